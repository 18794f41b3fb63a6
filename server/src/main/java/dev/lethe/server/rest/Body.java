package dev.lethe.server.rest;

import com.google.protobuf.Message;
import io.vertx.core.buffer.Buffer;
import io.vertx.grpc.common.GrpcMessage;
import io.vertx.grpc.common.MessageSizeOverflowException;
import io.vertx.grpc.common.impl.GrpcMessageDeframer;
import java.util.ArrayDeque;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/** Messages from the bytes of a request, each within a limit. */
abstract class Body implements GrpcMessageDeframer {

  private final Queue<Object> due = new ArrayDeque<>();
  private long most;
  private boolean tooLarge;

  @Override
  public final void maxMessageSize(long bytes) {
    most = bytes;
  }

  /** Whether a message was larger than is allowed: nothing more is read. */
  final boolean isTooLarge() {
    return tooLarge;
  }

  @Override
  public final void update(Buffer chunk) {
    if (!tooLarge) {
      read(chunk);
    }
  }

  @Override
  public final void end() {
    if (!tooLarge) {
      finish();
    }
  }

  abstract void read(Buffer chunk);

  abstract void finish();

  /** @return false if so many bytes are no message any more */
  final boolean fits(long bytes) {
    if (bytes > most && !tooLarge) {
      tooLarge = true;
      due.add(new MessageSizeOverflowException(bytes));
    }
    return !tooLarge;
  }

  final void add(Message message) {
    due.add(GrpcMessage.message("identity", Buffer.buffer(message.toByteArray())));
  }

  @Override
  public final @Nullable Object next() {
    return due.poll();
  }
}
