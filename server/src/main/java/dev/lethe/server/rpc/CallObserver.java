package dev.lethe.server.rpc;

import io.grpc.Status;
import io.grpc.Status.Code;

/** Told of every call and connection, on its event loop: it must not block. */
public interface CallObserver {

  /** @param method full name, {@code package.Service/Method} */
  void started(String method);

  /**
   * @param code what the client was told; {@link Status.Code#CANCELLED} if it had gone
   * @param seconds since {@link #started}
   */
  void ended(String method, Code code, double seconds);

  /** @param open connections there are now */
  void connections(int open);

  /** A connection was refused, since there are too many. */
  void connectionRefused();

  /** A call was refused, since too many bytes of messages are coming in. */
  void arrivalRefused();
}
