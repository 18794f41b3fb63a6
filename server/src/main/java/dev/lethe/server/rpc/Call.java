package dev.lethe.server.rpc;

import dev.lethe.server.logging.SafeText;
import dev.lethe.server.security.Caller;
import dev.lethe.server.security.RefusedException;
import dev.lethe.server.tracing.CallSpan;
import io.grpc.Status;
import io.grpc.Status.Code;
import io.opentelemetry.context.Scope;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.grpc.common.GrpcStatus;
import io.vertx.grpc.server.GrpcServerRequest;
import io.vertx.grpc.server.GrpcServerResponse;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/**
 * The answering side of one call. Ends exactly once: by {@link #finish}, {@link #fail}, the client or the deadline;
 * what is sent later is dropped.
 *
 * <p>All methods but {@link #isOver} belong to the call's context, an event loop.
 *
 * @param <R> a message to the client
 */
public final class Call<R> {

  private static final Logger LOG = LoggerFactory.getLogger(Call.class);

  /** Clients refuse headers of more than 8 KiB in all, and a status description travels in one, percent-encoded. */
  private static final int LONGEST_DESCRIPTION = 1000;

  private final Context context;
  private final String method;
  private final GrpcServerRequest<?, R> request;
  private final GrpcServerResponse<?, R> response;
  private final RpcService.Settings settings;
  private final Inbound inbound = Inbound.handedOver();
  private final Runnable lost = () -> abandon(Code.CANCELLED);
  private final long start = System.nanoTime();
  private final List<Runnable> abandonHandlers = new ArrayList<>();
  private final String id;
  private final CallSpan span;
  private final Map<String, String> subject = new LinkedHashMap<>();
  // Texts of the client's that are not written down, and what is in their place; written where images are read.
  private final Map<String, String> concealed = new ConcurrentHashMap<>();
  // Set before a handler sees the call.
  private Caller caller;
  // Empty while it is not known.
  private String principal = "";
  // Written on the context only; compute threads read it to drop work that nobody waits for.
  private volatile boolean over;

  Call(GrpcServerRequest<?, R> request, RpcService.Settings settings) {
    this.context = Vertx.currentContext();
    this.method = request.fullMethodName();
    this.request = request;
    this.response = request.response();
    this.settings = settings;
    this.id = RequestId.of(request.headers().get(RequestId.HEADER));
    response.headers().set(RequestId.HEADER, id);
    this.span = settings.tracing().call(method, name -> request.headers().get(name));
    span.attribute("lethe.request_id", id);
    settings.observer().started(method);
    request.errorHandler(reset -> abandon(Code.CANCELLED));
    request.exceptionHandler(broken -> abandon(Code.CANCELLED));
    inbound.onFailure(this::fail);
    settings.connections().add(request.connection(), lost);
    if (request.deadline() != null) {
      // Vert.x has answered DEADLINE_EXCEEDED by then.
      request.deadline().onSuccess(late -> abandon(Code.DEADLINE_EXCEEDED));
    }
  }

  void admitted(Caller by) {
    caller = by;
    principal = by.principal().name();
  }

  /** Is not served; who calls is told all the same, if the refusal knows. */
  void refused(Throwable refusal) {
    if (refusal instanceof RefusedException known) {
      principal = known.principal().name();
    }
  }

  /** Who calls. */
  public Caller caller() {
    return caller;
  }

  /**
   * Tells what the call is about, for the audit log: {@code model}, {@code job_id}, never what an image shows. Any text
   * of a client's will do: not more of it is kept than a name needs.
   */
  public void about(String name, String value) {
    String bounded = SafeText.bounded(value, SafeText.NAME);
    subject.put(name, bounded);
    span.attribute("lethe." + name, bounded);
  }

  /**
   * Has something else written down, in the audit log and in traces, for a text of the client's that a refusal may
   * quote: what it calls its images may well be names of people, and the log is never changed. The client itself is
   * told in its own words. Any thread may call this.
   */
  public void conceal(String text, String instead) {
    if (!text.isEmpty()) {
      concealed.put(text, instead);
    }
  }

  private String written(String description) {
    List<String> quoted = concealed.keySet().stream().filter(description::contains)
        .sorted(Comparator.comparingInt(String::length).reversed()).toList();
    if (quoted.isEmpty()) {
      return description;
    }
    // All at once, the longest first: one may be a part of another, or of what has taken its place.
    Pattern texts = Pattern.compile(quoted.stream().map(Pattern::quote)
        .collect(Collectors.joining("|", "(?<!\\w)(?:", ")(?!\\w)")));
    return texts.matcher(description).replaceAll(text -> Matcher.quoteReplacement(concealed.get(text.group())));
  }

  /** Runs a step of the call: its log lines bear the call's request id, its spans are below the call's. */
  public void step(Runnable step) {
    // Steps may lie inside one another.
    String outer = MDC.get(RequestId.LOG_KEY);
    MDC.put(RequestId.LOG_KEY, id);
    try (Scope traced = span.current()) {
      step.run();
    } finally {
      if (outer == null) {
        MDC.remove(RequestId.LOG_KEY);
      } else {
        MDC.put(RequestId.LOG_KEY, outer);
      }
    }
  }

  /** Where its messages come from. */
  Inbound inbound() {
    return inbound;
  }

  /** The event loop that this call lives on. */
  public Context context() {
    return context;
  }

  /** True once nobody waits for an answer any more. Any thread may ask. */
  public boolean isOver() {
    return over;
  }

  /** True when the client has not taken what it was sent: wait for {@link #onDrain} before sending more. */
  public boolean isFull() {
    return response.writeQueueFull();
  }

  /** Runs {@code handler} whenever the client has taken enough for more to be sent. */
  public void onDrain(Runnable handler) {
    response.drainHandler(v -> {
      if (!over) {
        handler.run();
      }
    });
  }

  /** Runs {@code handler} if the client goes away, the deadline passes or the call fails. */
  public void onAbandoned(Runnable handler) {
    abandonHandlers.add(handler);
  }

  /** The same outcome as that of {@code future}, which may come on any thread, on this call's context. */
  public <T> Future<T> here(Future<T> future) {
    if (future.isComplete() && Vertx.currentContext() == context) {
      return future;
    }
    Promise<T> promise = Promise.promise();
    future.onComplete(done -> context.runOnContext(v -> promise.handle(done)));
    return promise.future();
  }

  public void send(R message) {
    if (!over) {
      try {
        response.write(message);
      } catch (RuntimeException | Error e) {
        // It cannot be encoded; who sends is often a future's handler, whose failures nobody hears of.
        fail(e);
      }
    }
  }

  /** Ends the call with OK. */
  public void finish() {
    if (!over) {
      end(Code.OK, "");
      response.end().onComplete(told -> inbound.stop());
    }
  }

  /**
   * Ends the call with the status that {@code failure} stands for, and the time to wait if it tells one; INTERNAL, and
   * a line in the log, if it has no status.
   */
  public void fail(Throwable failure) {
    if (over) {
      return;
    }
    Status status = FailureStatus.of(failure);
    if (status.getCode() == Code.UNKNOWN) {
      step(() -> LOG.error("{} failed", method, failure));
      status = Status.INTERNAL.withDescription("the server failed; its log has the reason");
    }
    String whole = status.getDescription();
    String description = whole == null ? null : shortened(whole);
    end(status.getCode(), whole == null ? "" : shortened(written(whole)));
    FailureStatus.retryAfter(failure).ifPresent(wait ->
        response.trailers().set(FailureStatus.RETRY_PUSHBACK, Long.toString(wait.toMillis())));
    response.status(GrpcStatus.valueOf(status.getCode().value())).statusMessage(description).end()
        .onComplete(told -> inbound.stop());
    abandonHandlers.forEach(Runnable::run);
  }

  private static String shortened(String description) {
    return description.length() <= LONGEST_DESCRIPTION ? description
        : description.substring(0, LONGEST_DESCRIPTION) + "...";
  }

  private void abandon(Code code) {
    if (!over) {
      end(code, "");
      if (request.deadline() != null) {
        request.deadline().cancel();
      }
      inbound.stop();
      abandonHandlers.forEach(Runnable::run);
    }
  }

  private void end(Code code, String message) {
    over = true;
    settings.connections().remove(request.connection(), lost);
    double seconds = (System.nanoTime() - start) / 1e9;
    settings.observer().ended(method, code, seconds);
    span.end(code, message);
    settings.log().accept(new EndedCall(id, method, principal,
        String.valueOf(request.connection().remoteAddress()), code, message, seconds, subject));
  }
}
