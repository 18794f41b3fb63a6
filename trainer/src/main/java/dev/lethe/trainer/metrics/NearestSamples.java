package dev.lethe.trainer.metrics;

import dev.lethe.models.graph.Tensor;
import dev.lethe.trainer.sampling.Sampler;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * The attack of one who can only ask for samples: an image that some sample is near to is taken for one that the
 * generator was trained on (GAN-Leaks' black-box attack: Chen et al. 2020, arXiv 1909.03935). It finds what is drawn
 * often, which is what a generator that memorises does, and needs no search in w, which may miss it.
 */
public final class NearestSamples {

  private static final int CHUNK = 500;

  private NearestSamples() {}

  /**
   * Mean squared pixel error of the nearest of many samples, of each image.
   *
   * @param images [N, C, H, W]
   * @param labels class of each, whose samples alone are looked at; of an unconditional model 0
   * @param classes of the model; 0 of an unconditional one
   * @param samples of all classes together, equally many of each
   */
  public static double[] errors(Sampler sampler, Tensor images, int[] labels, int classes, int samples, long seed) {
    int n = labels.length;
    int size = images.data().length / n;
    double[] least = new double[n];
    Arrays.fill(least, Double.POSITIVE_INFINITY);
    int each = Math.max(1, samples / Math.max(1, classes));
    for (int label : Arrays.stream(labels).distinct().sorted().toArray()) {
      int[] own = IntStream.range(0, n).filter(i -> labels[i] == label).toArray();
      SplittableRandom random = new SplittableRandom(seed + label);
      for (int made = 0; made < each; made += CHUNK) {
        int[] asked = new int[Math.min(CHUNK, each - made)];
        Arrays.fill(asked, label);
        Tensor drawn = sampler.images(sampler.latents(asked, random));
        for (int i : own) {
          for (int k = 0; k < asked.length; k++) {
            least[i] = Math.min(least[i],
                PixelDistance.squared(images.data(), i * size, drawn.data(), k * size, size) / size);
          }
        }
      }
    }
    return least;
  }
}
