package dev.lethe.trainer.sampling;

import dev.lethe.models.architecture.Networks;
import dev.lethe.models.bundle.ModelCard.WStatistics;
import java.util.SplittableRandom;

/** Means of w over z, which truncation and the average substitute are made of. */
public final class LatentStatistics {

  /** Draws for each class. */
  private static final int SAMPLES = 10_000;

  private LatentStatistics() {}

  /** Means by class, and over classes. */
  public static WStatistics measure(Networks config, Sampler sampler) {
    SplittableRandom random = new SplittableRandom(0);
    if (!config.conditional()) {
      return new WStatistics(sampler.meanLatent(0, SAMPLES, random), new float[0][]);
    }
    float[][] byClass = new float[config.classes()][];
    float[] average = new float[config.wDim()];
    for (int c = 0; c < byClass.length; c++) {
      byClass[c] = sampler.meanLatent(c, SAMPLES, random);
      for (int i = 0; i < average.length; i++) {
        average[i] += byClass[c][i] / byClass.length;
      }
    }
    return new WStatistics(average, byClass);
  }
}
