package dev.lethe.server.rest;

import com.google.protobuf.Message;
import dev.lethe.server.rpc.FailureStatus;
import io.grpc.Status;
import io.vertx.core.Future;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.internal.ContextInternal;
import io.vertx.grpc.common.GrpcMessage;
import io.vertx.grpc.common.GrpcMessageEncoder;
import io.vertx.grpc.common.GrpcStatus;
import io.vertx.grpc.common.WireFormat;
import io.vertx.grpc.server.GrpcProtocol;
import io.vertx.grpc.server.GrpcServerResponse;
import io.vertx.grpc.server.impl.GrpcServerResponseImpl;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The answer of a call by HTTP: its status is known at the end, so a single message waits for that. Several are lines,
 * sent as they come; an error after the first is the last line.
 */
final class RestResponse<Q, R> extends GrpcServerResponseImpl<Q, R> {

  private static final String LINES = "application/x-ndjson";

  private final HttpServerResponse http;
  private final boolean head;
  private final Exchange exchange;
  private final Encoder<R> encoder;
  private final boolean streams;
  private final Supplier<@Nullable String> tooLarge;
  private @Nullable String reason;
  private boolean retries;
  // The lines so far, which may still be on their way into JSON.
  private Future<Void> lines = Future.succeededFuture();

  /**
   * @param asked what is answered; HEAD without a body
   * @param streams whether there may be several messages
   * @param tooLarge which limit what the client sent is above, which no later try will help; null if none
   */
  RestResponse(ContextInternal context, RestRequest<Q, R> request, HttpServerRequest asked, Exchange exchange,
      boolean streams, Supplier<@Nullable String> tooLarge) {
    this(context, request, asked, exchange, streams, tooLarge, new Encoder<>(exchange));
  }

  private RestResponse(ContextInternal context, RestRequest<Q, R> request, HttpServerRequest asked, Exchange exchange,
      boolean streams, Supplier<@Nullable String> tooLarge, Encoder<R> encoder) {
    super(context, request, GrpcProtocol.TRANSCODING, asked.response(), encoder);
    this.http = asked.response();
    this.head = asked.method() == HttpMethod.HEAD;
    this.exchange = exchange;
    this.encoder = encoder;
    this.streams = streams;
    this.tooLarge = tooLarge;
    format(WireFormat.PROTOBUF);
  }

  @Override
  public GrpcServerResponse<Q, R> statusMessage(String message) {
    reason = message;
    return super.statusMessage(message);
  }

  @Override
  protected void setHeaders(String contentType, @Nullable MultiMap headers) {
    if (headers != null) {
      http.headers().addAll(headers);
    }
    http.putHeader("cache-control", "no-store");
    http.putHeader("x-content-type-options", "nosniff");
  }

  @Override
  protected void setTrailers(@Nullable MultiMap trailers) {
    String wait = trailers == null ? null : trailers.get(FailureStatus.RETRY_PUSHBACK);
    if (wait != null && !http.headWritten()) {
      retries = true;
      http.putHeader(FailureStatus.RETRY_PUSHBACK, wait);
      http.putHeader("retry-after", Long.toString((Long.parseLong(wait) + 999) / 1000));
    }
  }

  @Override
  protected Future<Void> sendHead() {
    if (streams && !http.headWritten()) {
      http.setChunked(true).putHeader(HttpHeaders.CONTENT_TYPE, LINES);
      return http.writeHead();
    }
    return Future.succeededFuture();
  }

  @Override
  protected Future<Void> sendMessage(Buffer nothing, boolean compressed) {
    if (!streams) {
      return Future.succeededFuture();
    }
    sendHead();
    Future<Answer> line = encoder.last;
    lines = lines.transform(before -> line).map(answer -> {
      write(answer.body());
      return null;
    });
    return lines;
  }

  @Override
  protected Future<Void> sendEnd() {
    if (status() == GrpcStatus.OK) {
      if (streams) {
        sendHead();
        return lines.transform(all -> super.sendEnd());
      }
      return encoder.last.transform(done -> {
        if (http.closed() || http.ended()) {
          return Future.failedFuture("the client has gone");
        }
        write(done.succeeded() ? done.result()
            : exchange.error(Status.INTERNAL.withDescription("the answer cannot be put in JSON"), 500));
        return super.sendEnd();
      });
    }
    String limit = retries ? null : tooLarge.get();
    Status status = Status.fromCodeValue(status().code).withDescription(limit != null ? limit : reason != null ? reason
        : status() == GrpcStatus.DEADLINE_EXCEEDED ? "the time that the client gave is over" : "");
    int code = limit != null ? 413 : HttpStatus.of(status.getCode());
    Answer error = exchange.error(status, code);
    if (http.headWritten()) {
      return lines.transform(all -> {
        write(error.body());
        return super.sendEnd();
      });
    }
    if (code == 401) {
      http.putHeader("www-authenticate", "Bearer");
    }
    write(error);
    return super.sendEnd();
  }

  /** A line. */
  private void write(Buffer json) {
    if (!http.closed() && !http.ended()) {
      http.write(json.copy().appendByte((byte) '\n'));
    }
  }

  private void write(Answer answer) {
    http.setStatusCode(answer.status());
    answer.headers().forEach(http::putHeader);
    http.putHeader(HttpHeaders.CONTENT_LENGTH, Integer.toString(answer.body().length()));
    if (answer.body().length() > 0 && !head) {
      http.write(answer.body());
    }
  }

  /** Keeps the message's answer, which is more than bytes. */
  private static final class Encoder<R> implements GrpcMessageEncoder<R> {

    private static final GrpcMessage NOTHING = GrpcMessage.message("identity", Buffer.buffer());

    private final Exchange exchange;
    private Future<Answer> last = Future.failedFuture("no message was sent");

    Encoder(Exchange exchange) {
      this.exchange = exchange;
    }

    @Override
    public GrpcMessage encode(R message, WireFormat format) {
      last = exchange.answer((Message) message);
      return NOTHING;
    }

    @Override
    public boolean accepts(WireFormat format) {
      return format == WireFormat.PROTOBUF;
    }
  }
}
