package dev.lethe.models.image;

import java.util.List;

/**
 * An image as a model takes it.
 *
 * @param pixels [C, H, W], unsigned
 * @param steps what was done to it, for people; empty if nothing was
 */
public record PreparedImage(byte[] pixels, List<String> steps) {

  public PreparedImage {
    steps = List.copyOf(steps);
  }
}
