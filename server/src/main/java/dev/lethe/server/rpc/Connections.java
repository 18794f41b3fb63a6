package dev.lethe.server.rpc;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpConnection;
import java.time.Duration;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/**
 * The open connections, up to a limit, and the open calls of each, so that they end with it: Vert.x tells a gRPC call
 * that its client has reset it, and not that the connection is gone.
 *
 * <p>A place is for those who use it. Whoever is at the other end of an HTTP/2 connection has to answer a PING now and
 * then, from the start; a connection without calls is closed after a while. Beyond the limit there is some room left
 * for questions about the server's health.
 *
 * <p>All calls of a connection live on the event loop that its end is told on, so a connection's state needs no lock.
 */
public final class Connections {

  /** How long a connection above the limit stays open, so that its client is told why its call fails. */
  private static final long EXCESS_MS = 1000;
  /** Connections above the limit at once; any more are closed before they can say anything. */
  private static final int MOST_EXCESS = 64;
  /** How long the calls may take that a client began before it knew that its connection is being closed. */
  private static final long FAREWELL_SECONDS = 5;

  private final int limit;
  private final Times times;
  private final CallObserver observer;
  private final Map<HttpConnection, Open> open = new ConcurrentHashMap<>();
  private final Set<HttpConnection> excess = ConcurrentHashMap.newKeySet();

  /**
   * @param handshake from the first byte, or none, to a client that is known to speak the protocol
   * @param keepalive between PINGs, and what each may take to be answered
   * @param idle how long a connection may be without a call
   */
  public record Times(Duration handshake, Duration keepalive, Duration idle) {}

  /** @param limit connections at once; one more has its calls refused, and is closed after a moment */
  public Connections(int limit, Times times, CallObserver observer) {
    this.limit = limit;
    this.times = times;
    this.observer = observer;
  }

  /** How long a client may be silent who ought to say something. */
  Duration patience() {
    return times.keepalive();
  }

  /** To be told of every new connection, on its event loop. */
  public void opened(HttpConnection connection) {
    // Two event loops may pass the limit together, by one connection each: it is a guard, not a quota.
    if (open.size() >= limit) {
      observer.connectionRefused();
      if (excess.size() >= MOST_EXCESS) {
        connection.close();
        return;
      }
      excess.add(connection);
      connection.closeHandler(v -> excess.remove(connection));
      Vertx.currentContext().owner().setTimer(EXCESS_MS, v -> connection.close());
      return;
    }
    open.computeIfAbsent(connection, this::watch);
    observer.connections(open.size());
  }

  /** A request of plain HTTP has come, which is no call: the connection is in use. */
  public void used(HttpConnection connection) {
    Open its = open.get(connection);
    if (its != null) {
      its.used();
    }
  }

  /** @throws StatusRuntimeException RESOURCE_EXHAUSTED if this connection is above the limit */
  void check(HttpConnection connection) {
    if (excess.contains(connection)) {
      throw Status.RESOURCE_EXHAUSTED.withDescription("the server is at its limit of " + limit
          + " connections: use one for all calls, or try again later").asRuntimeException();
    }
  }

  private Open watch(HttpConnection connection) {
    Open its = new Open(connection);
    connection.closeHandler(v -> closed(connection));
    its.begin();
    return its;
  }

  /** @param lost run if the connection ends before {@link #remove} */
  void add(HttpConnection connection, Runnable lost) {
    if (excess.contains(connection)) {
      return;
    }
    // A connection that was upgraded from HTTP/1.1 is a new one that nobody told of.
    open.computeIfAbsent(connection, this::watch).add(lost);
  }

  void remove(HttpConnection connection, Runnable lost) {
    Open its = open.get(connection);
    if (its != null) {
      its.remove(lost);
    }
  }

  private void closed(HttpConnection connection) {
    Open its = open.remove(connection);
    observer.connections(open.size());
    its.end();
  }

  /** One of them. */
  private final class Open {

    private static final long NO_TIMER = -1;

    private final HttpConnection connection;
    private final Vertx vertx = Vertx.currentContext().owner();
    private final Set<Runnable> calls = new HashSet<>();
    private long idleTimer = NO_TIMER;
    private long pingTimer = NO_TIMER;

    Open(HttpConnection connection) {
      this.connection = connection;
    }

    void begin() {
      boolean pings = ping(times.handshake());
      // One of HTTP/1.1 shows by its first request that somebody is there.
      closeWhenIdle(pings ? times.idle() : times.handshake());
    }

    /** Asks for a sign of life, and again and again; false if the connection has no such question. */
    private boolean ping(Duration patience) {
      Future<Buffer> answer;
      try {
        answer = connection.ping(Buffer.buffer(new byte[8]));
      } catch (UnsupportedOperationException http1) {
        return false;
      }
      pingTimer = vertx.setTimer(patience.toMillis(), late -> connection.close());
      answer.onSuccess(there -> {
        vertx.cancelTimer(pingTimer);
        pingTimer = vertx.setTimer(times.keepalive().toMillis(), again -> ping(times.keepalive()));
      });
      return true;
    }

    private void closeWhenIdle(Duration time) {
      vertx.cancelTimer(idleTimer);
      idleTimer = vertx.setTimer(time.toMillis(), idle -> connection.shutdown(FAREWELL_SECONDS, TimeUnit.SECONDS));
    }

    void used() {
      if (calls.isEmpty()) {
        closeWhenIdle(times.idle());
      }
    }

    void add(Runnable lost) {
      calls.add(lost);
      vertx.cancelTimer(idleTimer);
    }

    void remove(Runnable lost) {
      if (calls.remove(lost)) {
        used();
      }
    }

    void end() {
      vertx.cancelTimer(idleTimer);
      vertx.cancelTimer(pingTimer);
      Set<Runnable> cut = Set.copyOf(calls);
      calls.clear();
      cut.forEach(Runnable::run);
    }
  }
}
