package dev.lethe.server.rest;

import com.google.protobuf.Message;
import dev.lethe.server.errors.DomainException;
import dev.lethe.server.rpc.SizedMessage;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.vertx.core.buffer.Buffer;
import io.vertx.grpc.common.MessageSizeOverflowException;
import io.vertx.grpc.common.impl.GrpcMessageDeframer;
import java.util.ArrayDeque;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/** Messages from the bytes of a request, each within a limit: the server's, and of JSON {@link Exchange#MOST_JSON}. */
abstract class Body implements GrpcMessageDeframer {

  private final Queue<Object> due = new ArrayDeque<>();
  private long most;
  // Bytes that came; and those of them that went into messages.
  private long came;
  private long used;
  private @Nullable String tooLarge;

  @Override
  public final void maxMessageSize(long bytes) {
    most = bytes;
  }

  /** Which limit a message is above, and what to do; null if none is, else nothing more is read. */
  final @Nullable String tooLarge() {
    return tooLarge;
  }

  @Override
  public final void update(Buffer chunk) {
    if (tooLarge == null) {
      came += chunk.length();
      guarded(() -> read(chunk));
    }
  }

  @Override
  public final void end() {
    if (tooLarge == null) {
      guarded(this::finish);
    }
  }

  /** What is nobody's refusal is a fault of the server's, not the client's. */
  private static void guarded(Runnable step) {
    try {
      step.run();
    } catch (StatusRuntimeException | DomainException refusal) {
      throw refusal;
    } catch (RuntimeException | StackOverflowError e) {
      throw Status.UNKNOWN.withCause(e).asRuntimeException();
    }
  }

  abstract void read(Buffer chunk);

  abstract void finish();

  /**
   * @param what the bytes are
   * @return false if so many are no message any more
   */
  final boolean fits(long bytes, String what) {
    return fits(bytes, most, what, "");
  }

  /**
   * The same of JSON.
   *
   * @param instead what else may be done
   */
  final boolean fitsJson(long bytes, String what, String instead) {
    return fits(bytes, Math.min(most, Exchange.MOST_JSON), what, "; " + instead);
  }

  private boolean fits(long bytes, long limit, String what, String instead) {
    if (bytes > limit && tooLarge == null) {
      tooLarge = what + " exceeds the limit of " + limit + " bytes" + instead;
      due.add(new MessageSizeOverflowException(bytes));
    }
    return tooLarge == null;
  }

  /** Bytes since the last message, or since the beginning: of one that is coming in, or of none. */
  final long unused() {
    return came - used;
  }

  final void add(Message message) {
    // Boundaries, blank lines and base64 count as well: what is never used would hold up what comes behind it.
    int bytes = Math.toIntExact(came - used);
    used = came;
    due.add(new SizedMessage(Buffer.buffer(message.toByteArray()), bytes));
  }

  @Override
  public final @Nullable Object next() {
    return due.poll();
  }
}
