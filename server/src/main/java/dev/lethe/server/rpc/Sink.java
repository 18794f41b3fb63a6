package dev.lethe.server.rpc;

import io.vertx.core.Future;

/**
 * What a service does with the messages of one call's client, in order and one at a time, on the call's context.
 *
 * @param <Q> a message
 */
public interface Sink<Q> {

  /**
   * Takes the next message. The one after it is not read from the client before the returned future has completed;
   * its failure fails the call.
   */
  Future<Void> message(Q message);

  /** The client has sent its last message, and {@link #message} has dealt with it. */
  void end();

  /** The call is over before its end: cancelled, past its deadline, cut off or failed. Follows nothing, ends all. */
  void abandoned();
}
