package dev.lethe.server.rpc;

import io.vertx.core.http.HttpConnection;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The open calls of each connection, so that they end with it: Vert.x tells a gRPC call that its client has reset it,
 * and not that the connection is gone.
 *
 * <p>All calls of a connection live on the event loop that its end is told on, so a connection's set needs no lock.
 */
public final class Connections {

  private final Map<HttpConnection, Set<Runnable>> calls = new ConcurrentHashMap<>();

  /** @param lost run if the connection ends before {@link #remove} */
  void add(HttpConnection connection, Runnable lost) {
    calls.computeIfAbsent(connection, first -> {
      first.closeHandler(v -> closed(first));
      return new HashSet<>();
    }).add(lost);
  }

  void remove(HttpConnection connection, Runnable lost) {
    Set<Runnable> open = calls.get(connection);
    if (open != null) {
      open.remove(lost);
    }
  }

  private void closed(HttpConnection connection) {
    Set<Runnable> open = calls.remove(connection);
    if (open != null) {
      Set.copyOf(open).forEach(Runnable::run);
    }
  }
}
