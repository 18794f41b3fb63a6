package dev.lethe.bench.load;

import java.util.concurrent.CompletableFuture;

/** Asks a server for images, as many in each call. Any number of calls may be under way. */
@FunctionalInterface
public interface Caller {

  /**
   * Asks for the images of a call.
   *
   * @param number of the call, from 0: each asks for others
   * @return the bytes of the answer; failed when the call is
   */
  CompletableFuture<Integer> call(int number);
}
