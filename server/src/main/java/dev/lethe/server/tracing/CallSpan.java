package dev.lethe.server.tracing;

import com.google.errorprone.annotations.MustBeClosed;
import io.grpc.Status.Code;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.Scope;
import java.util.EnumSet;
import java.util.Set;

/** The span of one gRPC call, by the semantic conventions for RPC servers. */
public final class CallSpan {

  /** What is the server's fault; the rest is the client's. */
  private static final Set<Code> ERRORS = EnumSet.of(Code.UNKNOWN, Code.DEADLINE_EXCEEDED, Code.UNIMPLEMENTED,
      Code.INTERNAL, Code.UNAVAILABLE, Code.DATA_LOSS);

  private final Span span;
  private final Context context;

  CallSpan(Span span, Context context) {
    this.span = span;
    this.context = context;
  }

  /** Until it is closed, what this thread does belongs to the call. */
  @MustBeClosed
  public Scope current() {
    return context.makeCurrent();
  }

  /** What is known of the call only later: principal, request id, model. */
  public void attribute(String name, String value) {
    span.setAttribute(name, value);
  }

  /** @param code what the client was told; {@link Code#CANCELLED} if it had gone */
  public void end(Code code, String description) {
    span.setAttribute("rpc.grpc.status_code", code.value());
    if (ERRORS.contains(code)) {
      span.setStatus(StatusCode.ERROR, description);
    }
    span.end();
  }
}
