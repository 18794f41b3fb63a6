package dev.lethe.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.ForwardingClientCallListener.SimpleForwardingClientCallListener;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.util.Locale;

/** Says of a connection that failed what is likely wrong, before gRPC's own words. */
final class LikelyCauses implements ClientInterceptor {

  private final boolean tls;

  /** @param tls whether the client speaks TLS */
  LikelyCauses(boolean tls) {
    this.tls = tls;
  }

  @Override
  public <Q, R> ClientCall<Q, R> interceptCall(MethodDescriptor<Q, R> method, CallOptions options, Channel next) {
    return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
      @Override
      public void start(Listener<R> listener, Metadata headers) {
        super.start(new SimpleForwardingClientCallListener<>(listener) {
          @Override
          public void onClose(Status status, Metadata trailers) {
            super.onClose(told(status), trailers);
          }
        }, headers);
      }
    };
  }

  private Status told(Status status) {
    if (status.getCode() != Status.Code.UNAVAILABLE) {
      return status;
    }
    StringBuilder all = new StringBuilder(String.valueOf(status.getDescription()));
    for (Throwable cause = status.getCause(); cause != null; cause = cause.getCause()) {
      all.append(": ").append(cause);
    }
    String words = words(all.toString());
    return words == null ? status : status.withDescription(words + " (" + status.getDescription() + ")");
  }

  private String words(String said) {
    if (!tls) {
      return said.contains("Network closed for unknown reason") || said.contains("First received frame was not SETTINGS")
          ? "the server may want TLS: say https:// before its address, or build the client with tls(), or tls(FILE) of its"
              + " authority" : null;
    }
    if (said.contains("not an SSL/TLS record") || said.contains("NotSslRecordException")) {
      return "the server does not speak TLS: leave out https://, tls and certificate";
    }
    String small = said.toLowerCase(Locale.ROOT);
    return small.contains("alert") && (small.contains("certificate_required") || small.contains("bad_certificate")
        || small.contains("certificate_unknown"))
            ? "the server wants a certificate of its clients that it trusts: build the client with certificate(...)" : null;
  }
}
