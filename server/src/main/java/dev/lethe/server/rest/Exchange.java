package dev.lethe.server.rest;

import com.google.protobuf.Message;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import java.util.concurrent.Callable;

/** One call, between HTTP and Protobuf. Lives on the call's event loop. */
interface Exchange {

  /** Bytes of JSON in a request: it is read on the event loop. Tensors and files need not be JSON. */
  int MOST_JSON = 8 << 20;

  /** Bytes of a message, above which it is large. */
  int LARGE = 256 << 10;

  /**
   * What the whole body says, or one part of it where the client sends several messages.
   *
   * @param source which part
   * @throws StatusRuntimeException INVALID_ARGUMENT, with what is wrong
   */
  Message request(JsonSource source, Buffer body);

  /** The answer, or one line of it where there are several. */
  Future<Answer> answer(Message message);

  Answer error(Status status, int code);

  /** Large answers are put in JSON beside the event loop, in order. */
  static Future<Answer> made(long bytes, Callable<Answer> making) {
    Context context = Vertx.currentContext();
    if (bytes > LARGE && context != null) {
      return context.executeBlocking(making, true);
    }
    try {
      return Future.succeededFuture(making.call());
    } catch (Exception | StackOverflowError e) {
      return Future.failedFuture(e);
    }
  }

  /** How many of the first bytes of a body are JSON, and what a client may do that has more of it than may be. */
  record Json(int bytes, String instead) {}

  /** @param length of the body as far as it has come */
  Json json(int length);
}
