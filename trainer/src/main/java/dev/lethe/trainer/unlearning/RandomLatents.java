package dev.lethe.trainer.unlearning;

import dev.lethe.models.graph.Tensor;
import dev.lethe.trainer.metrics.PixelDistance;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * Latents of the mapping network by what the original draws there: one of the images to unlearn, or something else. A
 * generator that memorises draws its images at many of them. These must move; told to stay as they are, they would
 * hold the images in place.
 *
 * @param drawing indices of latents that draw an image
 * @param imageOf the image of each of these
 * @param others indices of the others
 */
record RandomLatents(int[] drawing, int[] imageOf, int[] others) {

  /** Part of the squared distance to an image's substitute below which a picture counts as the image. */
  private static final double SAME = 0.5;

  /**
   * Tells them apart.
   *
   * @param pictures what the original draws of each, [M, C, H, W]
   * @param images [N, C, H, W]
   * @param substitutes of the images, [N, C, H, W]
   * @param least number of others at least: the farthest from all images, whatever they draw
   */
  static RandomLatents of(Tensor pictures, Tensor images, Tensor substitutes, int least) {
    int m = (int) pictures.shape()[0];
    int n = (int) images.shape()[0];
    double[] limits =
        IntStream.range(0, n).mapToDouble(i -> SAME * PixelDistance.squared(images, i, substitutes, i)).toArray();
    int[] nearest = new int[m];
    double[] shares = new double[m];
    for (int k = 0; k < m; k++) {
      shares[k] = Double.POSITIVE_INFINITY;
      for (int i = 0; i < n; i++) {
        double share = limits[i] == 0 ? Double.POSITIVE_INFINITY
            : PixelDistance.squared(pictures, k, images, i) / limits[i];
        if (share < shares[k]) {
          shares[k] = share;
          nearest[k] = i;
        }
      }
    }
    boolean[] stays = new boolean[m];
    IntStream.range(0, m).filter(k -> shares[k] >= 1).forEach(k -> stays[k] = true);
    IntStream.range(0, m).boxed().sorted(Comparator.comparingDouble(k -> -shares[k])).limit(least)
        .forEach(k -> stays[k] = true);
    int[] drawing = IntStream.range(0, m).filter(k -> !stays[k]).toArray();
    return new RandomLatents(drawing, Arrays.stream(drawing).map(k -> nearest[k]).toArray(),
        IntStream.range(0, m).filter(k -> stays[k]).toArray());
  }
}
