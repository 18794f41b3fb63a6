package dev.lethe.server.rpc;

import io.vertx.core.buffer.Buffer;
import io.vertx.grpc.common.GrpcMessage;
import io.vertx.grpc.common.WireFormat;

/**
 * A message that came in another form than gRPC's, which is longer or shorter than the message.
 *
 * @param payload Protobuf
 * @param bytes that came in for it, those since the message before it included
 */
public record SizedMessage(Buffer payload, int bytes) implements GrpcMessage {

  @Override
  public String encoding() {
    return "identity";
  }

  @Override
  public WireFormat format() {
    return WireFormat.PROTOBUF;
  }
}
