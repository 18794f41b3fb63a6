package dev.lethe.bench.load;

import java.util.concurrent.CompletableFuture;

/** Asks a server for images, one a call. Any number of calls may be under way. */
@FunctionalInterface
public interface Caller {

  /**
   * Asks for the image of a seed.
   *
   * @param seed from 0
   * @return the bytes of the answer; failed when the call is
   */
  CompletableFuture<Integer> call(int seed);
}
