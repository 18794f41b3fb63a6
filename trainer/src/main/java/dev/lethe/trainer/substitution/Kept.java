package dev.lethe.trainer.substitution;

import dev.lethe.models.bundle.ModelCard.WStatistics;
import dev.lethe.models.graph.Tensor;
import java.util.Set;

/**
 * What stays of a model, and may take the place of what is unlearned.
 *
 * @param statistics of the original model
 * @param erased classes that are unlearned as a whole; empty for single images
 * @param latents w of generated images that stay, [N, w_dim]
 * @param labels class of each; 0 for an unconditional model
 */
public record Kept(WStatistics statistics, Set<Integer> erased, Tensor latents, int[] labels) {

  /** The mean w of a class; of all images for an unconditional model. */
  float[] mean(int label) {
    return statistics.classAvg().length == 0 ? statistics.avg() : statistics.classAvg()[label];
  }

  /** The class itself if it stays, and else the class that stays whose mean is nearest to the latent. */
  public int standIn(float[] w, int label) {
    if (!erased.contains(label) || statistics.classAvg().length == 0) {
      return label;
    }
    int nearest = -1;
    double least = Double.POSITIVE_INFINITY;
    for (int c = 0; c < statistics.classAvg().length; c++) {
      double distance = squaredDistance(w, statistics.classAvg()[c]);
      if (!erased.contains(c) && distance < least) {
        least = distance;
        nearest = c;
      }
    }
    if (nearest < 0) {
      throw new IllegalArgumentException("no class stays");
    }
    return nearest;
  }

  static double squaredDistance(float[] a, float[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += (a[i] - b[i]) * (a[i] - b[i]);
    }
    return sum;
  }
}
