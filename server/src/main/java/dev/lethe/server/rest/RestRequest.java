package dev.lethe.server.rest;

import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.internal.ContextInternal;
import io.vertx.grpc.common.GrpcMessage;
import io.vertx.grpc.common.GrpcMessageDecoder;
import io.vertx.grpc.common.WireFormat;
import io.vertx.grpc.common.impl.GrpcMessageDeframer;
import io.vertx.grpc.common.impl.GrpcMethodCall;
import io.vertx.grpc.server.GrpcProtocol;
import io.vertx.grpc.server.impl.GrpcServerRequestImpl;

/** A call as it has come in, whose messages are Protobuf by now. */
final class RestRequest<Q, R> extends GrpcServerRequestImpl<Q, R> {

  /** @param method {@code package.Service/Method} */
  RestRequest(ContextInternal context, HttpServerRequest request, GrpcMessageDeframer body, String method) {
    super(context, GrpcProtocol.TRANSCODING, WireFormat.PROTOBUF, request, body, new Undecoded<>(),
        new GrpcMethodCall("/" + method));
  }

  /** Whoever takes the call decodes. */
  private static final class Undecoded<Q> implements GrpcMessageDecoder<Q> {

    @Override
    public Q decode(GrpcMessage message) {
      throw new UnsupportedOperationException();
    }

    @Override
    public boolean accepts(WireFormat format) {
      return format == WireFormat.PROTOBUF;
    }
  }
}
