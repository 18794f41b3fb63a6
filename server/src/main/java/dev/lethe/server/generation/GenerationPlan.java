package dev.lethe.server.generation;

import dev.lethe.server.inference.Latent;
import dev.lethe.server.inference.Noise;
import dev.lethe.v1.ImageFormat;
import java.util.OptionalLong;
import java.util.function.IntFunction;

/**
 * A checked request: how many images, in what format, and what each is made from. Latents are made when they are asked
 * for, so that a long stream of seeds costs nothing before its turn.
 *
 * @param format PNG, JPEG or RAW
 * @param includeW whether the w of each image is sent with it
 * @param items by index, from 0 to {@code count - 1}
 */
record GenerationPlan(int count, ImageFormat format, Noise noise, boolean includeW, IntFunction<Item> items) {

  /**
   * One image to make.
   *
   * @param seed if it comes from one
   * @param label null for unconditional models and images made from w
   */
  record Item(Latent latent, OptionalLong seed, String label) {}
}
