package dev.lethe.trainer.unlearning;

import dev.lethe.models.bundle.ModelCard.WStatistics;
import dev.lethe.models.graph.Tensor;

/** The mean w of the image's class; of all images for an unconditional model. */
public final class AverageSubstitute implements Substitute {

  @Override
  public Tensor latents(Tensor unlearned, int[] labels, WStatistics statistics) {
    Tensor substitutes = Tensor.zeros(unlearned.shape());
    for (int i = 0; i < labels.length; i++) {
      float[] mean = statistics.classAvg().length == 0 ? statistics.avg() : statistics.classAvg()[labels[i]];
      System.arraycopy(mean, 0, substitutes.data(), i * mean.length, mean.length);
    }
    return substitutes;
  }
}
