package dev.lethe.server.inference;

import java.nio.FloatBuffer;

/**
 * Turns an image into an answer, on an engine's thread.
 *
 * @param <T> answers
 */
@FunctionalInterface
public interface Encoder<T> {

  /**
   * @param image [C, H, W], about [-1, 1]; valid until this returns
   * @param ws [num_ws * w_dim], what the image was made from
   */
  T encode(FloatBuffer image, float[] ws);
}
