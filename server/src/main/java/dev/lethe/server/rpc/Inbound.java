package dev.lethe.server.rpc;

import dev.lethe.server.errors.DomainException;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.vertx.core.Handler;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.internal.http.HttpServerRequestInternal;
import io.vertx.core.internal.http.HttpServerRequestWrapper;
import io.vertx.grpc.common.GrpcMessage;
import java.time.Duration;
import java.util.function.Consumer;

/**
 * What a call's client sends, on its way to Vert.x, which puts messages together from it. Its bytes count among all
 * {@link Arrivals} from when they come in until the call says that they are dealt with; a client is read from no
 * further than one message ahead. What comes after the call has ended is thrown away, and the client told to stop, at
 * once or after a while.
 *
 * <p>Lives on the call's event loop.
 */
public final class Inbound extends HttpServerRequestWrapper {

  /** Of HTTP/2's reset after a complete answer: nothing is wrong, and no more is wanted. */
  private static final long NO_ERROR = 0;
  private static final long NO_TIMER = -1;
  /** In front of each message, beside its own bytes. */
  static final int PREFIX = 5;
  // Vert.x makes the call's request from this one and hands it over, on this thread, without a way back to this one.
  private static final ThreadLocal<Inbound> HANDED_OVER = new ThreadLocal<>();

  private final Arrivals arrivals;
  private final Duration patience;
  private final long ahead;
  private Consumer<Throwable> failed = failure -> { };
  // Bytes that count; and those of them that no message took with it yet.
  private long held;
  private long waiting;
  private long lastCame;
  private long watch = NO_TIMER;
  private boolean taking;
  private boolean heldBack;
  private boolean paused;
  private boolean ended;
  private boolean over;
  // Of a client that is not told at once to stop: what came after the end was dropped.
  private final boolean drains;
  private long dropped;
  private long limit = Long.MAX_VALUE;
  private Runnable aboveLimit;

  private Inbound(HttpServerRequestInternal request, RpcService.Settings settings, boolean drains) {
    super(request);
    this.drains = drains;
    this.arrivals = settings.arrivals();
    this.patience = settings.connections().patience();
    this.ahead = (long) settings.maxMessageBytes() + PREFIX;
  }

  /** Hands a request to Vert.x' gRPC server. */
  public static void hand(HttpServerRequest request, RpcService.Settings settings, Handler<HttpServerRequest> grpc) {
    hand(new Inbound((HttpServerRequestInternal) request, settings, false), grpc);
  }

  /**
   * Hands on a request of a client that speaks HTTP alone. Such clients, curl among them, lose an answer if they are
   * told to stop while they send, so they may go on for a while.
   */
  public static void handPlain(HttpServerRequest request, RpcService.Settings settings,
      Handler<HttpServerRequest> handler) {
    hand(new Inbound((HttpServerRequestInternal) request, settings, true), handler);
  }

  private static void hand(Inbound inbound, Handler<HttpServerRequest> handler) {
    HANDED_OVER.set(inbound);
    try {
      handler.handle(inbound);
    } finally {
      HANDED_OVER.remove();
    }
  }

  /** That of the call which Vert.x has just made. */
  static Inbound handedOver() {
    return HANDED_OVER.get();
  }

  /** @param handler told if the bytes cannot be taken, or are no messages */
  void onFailure(Consumer<Throwable> handler) {
    failed = handler;
  }

  @Override
  public HttpServerRequest handler(Handler<Buffer> handler) {
    super.handler(chunk -> arrived(chunk, handler));
    if (!pings()) {
      lastCame = System.nanoTime();
      watch();
    }
    return this;
  }

  /** Whether the connection asks its client for signs of life; else what it sends is the only one. */
  private boolean pings() {
    return version() == HttpVersion.HTTP_2;
  }

  @Override
  public HttpServerRequest endHandler(Handler<Void> handler) {
    super.endHandler(end -> {
      ended = true;
      if (over) {
        context().owner().cancelTimer(watch);
      } else {
        guarded(() -> handler.handle(end));
      }
    });
    return this;
  }

  private void arrived(Buffer chunk, Handler<Buffer> messages) {
    if (over) {
      drop(chunk.length());
      return;
    }
    if (!arrivals.take(chunk.length(), held)) {
      failed.accept(arrivals.refusal());
      return;
    }
    held += chunk.length();
    waiting += chunk.length();
    lastCame = System.nanoTime();
    watch();
    guarded(() -> messages.handle(chunk));
    if (over) {
      return;
    }
    if (waiting > limit) {
      aboveLimit.run();
    } else if (waiting > ahead && !heldBack) {
      // A whole message is among them, so that this does not wait for ever: what is no message by then was refused.
      heldBack = true;
      super.pause();
    }
  }

  /** Half a message must not hold its room for ever: others are refused meanwhile. */
  private void watch() {
    if (watch == NO_TIMER) {
      watch = context().owner().setTimer(patience.toMillis(), later -> {
        watch = NO_TIMER;
        if (over || ended || waiting == 0 && pings()) {
          return;
        }
        if (!taking && !heldBack && System.nanoTime() - lastCame >= patience.toNanos()) {
          failed.accept(Status.DEADLINE_EXCEEDED.withDescription("a message stopped coming in: nothing came for "
              + patience.toSeconds() + " s, and it is not whole").asRuntimeException());
        } else {
          watch();
        }
      });
    }
  }

  /** Vert.x throws where it cannot read what a client sent, and nobody would answer. */
  private void guarded(Runnable step) {
    try {
      step.run();
    } catch (StatusRuntimeException | DomainException said) {
      failed.accept(said);
    } catch (UnsupportedOperationException compressed) {
      // As gRPC's specification of compression wants it.
      failed.accept(Status.INTERNAL.withDescription("a message is said to be compressed, and the call has no"
          + " grpc-encoding that says how").asRuntimeException());
    } catch (RuntimeException e) {
      failed.accept(Status.INVALID_ARGUMENT.withDescription("the request's body is no sequence of gRPC messages")
          .withCause(e).asRuntimeException());
    } catch (Error e) {
      // A stack that overflows, too, ends one call, with a line in the log, and leaves none open.
      failed.accept(e);
    }
  }

  @Override
  public HttpServerRequest pause() {
    paused = true;
    // Vert.x throws where there is nothing left to hold up.
    if (!ended && !over) {
      super.pause();
    }
    return this;
  }

  @Override
  public HttpServerRequest resume() {
    paused = false;
    read();
    return this;
  }

  /** Goes on reading, unless there is a reason not to, or nothing left to read. */
  private void read() {
    if (!paused && !heldBack && !ended && !over) {
      super.resume();
    }
  }

  /** From here on, above this number of bytes that no message has taken, {@code handler} is run. */
  void limit(long bytes, Runnable handler) {
    limit = bytes;
    aboveLimit = handler;
  }

  /** A message has become larger: it was compressed. Throws Exhausted if there is no room for it. */
  void inflated(int more) {
    if (!arrivals.take(more, held)) {
      throw arrivals.refusal();
    }
    held += more;
  }

  /** A message is whole, and is being dealt with. */
  void taking() {
    taking = true;
  }

  /** How many of the bytes that came in went into a message. */
  static int bytesOf(GrpcMessage message) {
    return message instanceof SizedMessage sized ? sized.bytes() : PREFIX + message.payload().length();
  }

  /** A message was taken: the one behind it may come. */
  void taken(int bytes) {
    taking = false;
    lastCame = System.nanoTime();
    waiting = Math.max(0, waiting - bytes);
    if (heldBack && waiting <= ahead) {
      heldBack = false;
      read();
    }
  }

  /** Nothing of a message is held any more. */
  void dealtWith(int bytes) {
    long given = Math.min(held, bytes);
    held -= given;
    arrivals.give(given);
  }

  /** The call has ended, and its client was told so: nothing of it is held, and no more is taken. */
  void stop() {
    if (over) {
      return;
    }
    if (!ended && (drains || !pings())) {
      // The connection goes on to the next request when the rest of this one has come in, and was thrown away.
      paused = false;
      heldBack = false;
      read();
    }
    over = true;
    // It would keep what has come in memory.
    context().owner().cancelTimer(watch);
    arrivals.give(held);
    held = 0;
    if (!ended && pings()) {
      if (drains) {
        watch = context().owner().setTimer(patience.toMillis(), late -> endStream());
      } else {
        endStream();
      }
    }
  }

  /** Whoever still sends when as much came again as may come at once has not read its answer, and will not. */
  private void drop(int bytes) {
    dropped += bytes;
    if (dropped > ahead && pings() && !ended) {
      ended = true;
      context().owner().cancelTimer(watch);
      endStream();
    }
  }

  private void endStream() {
    response().reset(NO_ERROR);
  }
}
