package dev.lethe.trainer.features;

import dev.lethe.models.graph.Tensor;
import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Moves each image by its own whole number of pixels, up to {@code most} up or down and left or right. What comes in
 * from outside is black, -1.
 *
 * @param most pixels, 0 to leave images as they are
 */
record RandomShift(int most) {

  private static final float BLACK = -1;

  /**
   * @param images [N, C, H, W], of more than {@code most} pixels each way; not changed
   * @return [N, C, H, W]
   */
  Tensor apply(Tensor images, SplittableRandom random) {
    if (most == 0) {
      return images;
    }
    int channels = (int) images.shape()[1];
    int height = (int) images.shape()[2];
    int width = (int) images.shape()[3];
    if (most >= Math.min(height, width)) {
      throw new IllegalArgumentException("a shift of " + most + " pixels moves images of " + height + "x" + width
          + " out of sight; use a smaller one");
    }
    Tensor moved = Tensor.zeros(images.shape());
    Arrays.fill(moved.data(), BLACK);
    for (int n = 0; n < images.shape()[0]; n++) {
      int up = random.nextInt(-most, most + 1);
      int left = random.nextInt(-most, most + 1);
      for (int plane = n * channels; plane < (n + 1) * channels; plane++) {
        for (int y = Math.max(0, -up); y < Math.min(height, height - up); y++) {
          System.arraycopy(images.data(), (plane * height + y + up) * width + Math.max(0, left),
              moved.data(), (plane * height + y) * width + Math.max(0, -left), width - Math.abs(left));
        }
      }
    }
    return moved;
  }
}
