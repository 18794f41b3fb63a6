package dev.lethe.client;

import dev.lethe.client.tls.ServerCertificateException;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A call that the server refused, or that did not reach it. The message names the field and what to do. */
public final class LetheException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private static final Metadata.Key<String> REQUEST_ID =
      Metadata.Key.of("x-request-id", Metadata.ASCII_STRING_MARSHALLER);
  private static final Metadata.Key<String> PUSHBACK =
      Metadata.Key.of("grpc-retry-pushback-ms", Metadata.ASCII_STRING_MARSHALLER);
  /** The server starts a message with the field at fault: "psi: is 3.0; ...", "unlearn images[3].label: ...". */
  private static final Pattern FIELD = Pattern.compile(
      "((?:unlearn |learn )?[a-z][a-z0-9_]*(?:\\[\\d+])*(?:\\.[a-z][a-z0-9_]*(?:\\[\\d+])*)*): .*", Pattern.DOTALL);

  private final Status.Code code;
  private final String requestId;
  private final Duration retryAfter;
  private final String field;

  public LetheException(Status.Code code, String message, Throwable cause) {
    this(code, message, null, null, fieldOf(message), cause);
  }

  private LetheException(Status.Code code, String message, String requestId, Duration retryAfter, String field,
      Throwable cause) {
    super(message, cause);
    this.code = code;
    this.requestId = requestId;
    this.retryAfter = retryAfter;
    this.field = field;
  }

  private static String fieldOf(String message) {
    Matcher named = FIELD.matcher(message);
    return named.matches() ? named.group(1) : null;
  }

  /**
   * The same error of an upload. The server calls images by their names, if they have any; a field is their place.
   *
   * @param place of an image by its name
   */
  LetheException placed(Function<String, Optional<String>> place) {
    for (String part : List.of("image", "label")) {
      String name = getMessage().split(part.equals("image") ? ": " : ", label: ", 2)[0];
      Optional<String> found = place.apply(name);
      if (found.isPresent()) {
        return new LetheException(code, getMessage(), requestId, retryAfter, found.get() + "." + part, getCause());
      }
    }
    return this;
  }

  /**
   * The same error of a field that the server does not name.
   *
   * @param named what the user calls it
   */
  LetheException of(String named, String its) {
    return new LetheException(code, named + ": " + getMessage(), requestId, retryAfter, its, getCause());
  }

  static LetheException of(StatusRuntimeException e) {
    Status status = e.getStatus();
    String description = status.getDescription();
    Throwable cause = status.getCause();
    // gRPC calls every failure of the connection "io exception"; what failed is in the cause.
    if (cause != null && cause.getMessage() != null && (description == null || description.equals("io exception"))) {
      description = cause.getMessage();
    }
    // TLS wraps it in words of its own.
    description = certificateOf(cause).map(Throwable::getMessage).orElse(description);
    Metadata trailers = e.getTrailers() == null ? new Metadata() : e.getTrailers();
    String pushback = trailers.get(PUSHBACK);
    String message = description == null ? "no description" : description;
    return new LetheException(status.getCode(), message, trailers.get(REQUEST_ID),
        pushback != null && pushback.matches("\\d{1,9}") ? Duration.ofMillis(Long.parseLong(pushback)) : null,
        fieldOf(message), e);
  }

  /** The gRPC status code, for example INVALID_ARGUMENT or NOT_FOUND. */
  public Status.Code code() {
    return code;
  }

  /** The request's field at fault, such as {@code spec.classes[0]}; empty where the server names none. */
  public Optional<String> field() {
    return Optional.ofNullable(field);
  }

  /** What the server's log calls the call; empty if it did not get there. */
  public Optional<String> requestId() {
    return Optional.ofNullable(requestId);
  }

  /** The time after which the server takes the call; empty where it does not say. */
  public Optional<Duration> retryAfter() {
    return Optional.ofNullable(retryAfter);
  }

  /** Why the server's certificate was not taken, if that is what failed; nothing was sent then. */
  public Optional<ServerCertificateException> certificate() {
    return certificateOf(getCause());
  }

  private static Optional<ServerCertificateException> certificateOf(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof ServerCertificateException certificate) {
        return Optional.of(certificate);
      }
    }
    return Optional.empty();
  }

  /** {@code CODE: message}, in one line. */
  @Override
  public String toString() {
    return code + ": " + getMessage().replace('\n', ' ');
  }
}
