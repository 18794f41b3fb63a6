package dev.lethe.client.cli;

import java.util.ArrayList;
import java.util.List;

/** Latents on the straight way from each to the next. */
final class Interpolation {

  private Interpolation() {}

  /**
   * The first latent, and {@code frames} to each next one, of which the last is that one itself.
   *
   * @param latents two or more of one length
   * @param frames 1 or more
   */
  static List<float[]> between(List<float[]> latents, int frames) {
    if (latents.size() < 2 || frames < 1) {
      throw new IllegalArgumentException("an interpolation goes between two latents or more, in one picture or more; these "
          + "are " + latents.size() + " latents and " + frames + " pictures");
    }
    List<float[]> way = new ArrayList<>(List.of(latents.get(0)));
    for (int i = 1; i < latents.size(); i++) {
      float[] from = latents.get(i - 1);
      float[] to = latents.get(i);
      if (from.length != to.length) {
        throw new IllegalArgumentException("the latents have different lengths, " + from.length + " and " + to.length);
      }
      for (int f = 1; f <= frames; f++) {
        float t = f / (float) frames;
        float[] between = new float[to.length];
        for (int k = 0; k < to.length; k++) {
          between[k] = f == frames ? to[k] : from[k] + t * (to[k] - from[k]);
        }
        way.add(between);
      }
    }
    return way;
  }
}
