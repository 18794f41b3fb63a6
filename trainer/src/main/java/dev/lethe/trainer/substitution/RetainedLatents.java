package dev.lethe.trainer.substitution;

import dev.lethe.models.bundle.ModelCard.WStatistics;
import dev.lethe.models.graph.Tensor;

/**
 * What stays of a model, and may take the place of what is unlearned.
 *
 * @param statistics of the original model
 * @param standIns of erased classes
 * @param latents w of generated images that stay, [N, w_dim]
 * @param labels class of each; 0 for an unconditional model
 */
public record RetainedLatents(WStatistics statistics, StandIns standIns, Tensor latents, int[] labels) {

  /** The mean w of a class; of all images for an unconditional model. */
  float[] mean(int label) {
    return statistics.classAvg().length == 0 ? statistics.avg() : statistics.classAvg()[label];
  }

  static double squaredDistance(float[] a, float[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += (a[i] - b[i]) * (a[i] - b[i]);
    }
    return sum;
  }
}
