package dev.lethe.models.image;

import java.util.OptionalInt;

/**
 * What may be done to images so that a model takes them.
 *
 * @param background 0xRRGGBB behind what is transparent, and around what is padded; empty: transparent pixels are
 *     refused, and padding is black
 */
public record Preparation(Fit fit, OptionalInt background) {

  /** Nothing: images are of the model's size, and opaque. */
  public static final Preparation NONE = new Preparation(Fit.EXACT, OptionalInt.empty());
}
