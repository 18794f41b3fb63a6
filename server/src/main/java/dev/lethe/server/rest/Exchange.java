package dev.lethe.server.rest;

import com.google.protobuf.Message;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;

/** One call, between HTTP and Protobuf. Lives on the call's event loop. */
interface Exchange {

  /**
   * What the whole body says, or one part of it where the client sends several messages.
   *
   * @throws StatusRuntimeException INVALID_ARGUMENT, with what is wrong
   */
  Message request(Buffer body);

  /** The answer, or one line of it where there are several. */
  Future<Answer> answer(Message message);

  Answer error(Status status, int code);
}
