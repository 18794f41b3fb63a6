package dev.lethe.server.rpc;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpConnection;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The open connections, up to a limit, and the open calls of each, so that they end with it: Vert.x tells a gRPC call
 * that its client has reset it, and not that the connection is gone.
 *
 * <p>All calls of a connection live on the event loop that its end is told on, so a connection's set needs no lock.
 */
public final class Connections {

  /** How long a connection above the limit stays open, so that its client is told why its call fails. */
  private static final long EXCESS_MS = 1000;

  private final int limit;
  private final CallObserver observer;
  private final Map<HttpConnection, Set<Runnable>> calls = new ConcurrentHashMap<>();
  private final Set<HttpConnection> excess = ConcurrentHashMap.newKeySet();

  /** @param limit connections at once; one more has its calls refused, and is closed after a moment */
  public Connections(int limit, CallObserver observer) {
    this.limit = limit;
    this.observer = observer;
  }

  /** To be told of every new connection, on its event loop. */
  public void opened(HttpConnection connection) {
    // Two event loops may pass the limit together, by one connection each: it is a guard, not a quota.
    if (calls.size() >= limit) {
      observer.connectionRefused();
      excess.add(connection);
      connection.closeHandler(v -> excess.remove(connection));
      Vertx.currentContext().owner().setTimer(EXCESS_MS, v -> connection.close());
      return;
    }
    calls.computeIfAbsent(connection, this::watch);
    observer.connections(calls.size());
  }

  /** @throws StatusRuntimeException RESOURCE_EXHAUSTED if this connection is above the limit */
  void check(HttpConnection connection) {
    if (excess.contains(connection)) {
      throw Status.RESOURCE_EXHAUSTED.withDescription("the server is at its limit of " + limit
          + " connections: use one for all calls, or try again later").asRuntimeException();
    }
  }

  private Set<Runnable> watch(HttpConnection connection) {
    connection.closeHandler(v -> closed(connection));
    return new HashSet<>();
  }

  /** @param lost run if the connection ends before {@link #remove} */
  void add(HttpConnection connection, Runnable lost) {
    if (excess.contains(connection)) {
      return;
    }
    // A connection that was upgraded from HTTP/1.1 is a new one that nobody told of.
    calls.computeIfAbsent(connection, this::watch).add(lost);
  }

  void remove(HttpConnection connection, Runnable lost) {
    Set<Runnable> open = calls.get(connection);
    if (open != null) {
      open.remove(lost);
    }
  }

  private void closed(HttpConnection connection) {
    Set<Runnable> open = calls.remove(connection);
    observer.connections(calls.size());
    Set.copyOf(open).forEach(Runnable::run);
  }
}
