package dev.lethe.trainer.adversarial;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.image.ImageGrid;
import dev.lethe.models.stylegan2.StyleGan2Config;
import dev.lethe.trainer.sampling.Sampler;
import java.util.Arrays;
import java.util.SplittableRandom;

/** A picture of what a generator makes: a row for each class, the same latents each time. */
public final class SampleGrid {

  private static final int COLUMNS = 12;
  private static final int MAX_ROWS = 10;

  private SampleGrid() {}

  /** A PNG file. */
  public static byte[] png(StyleGan2Config config, Sampler sampler) {
    int rows = config.conditional() ? Math.min(config.classes(), MAX_ROWS) : COLUMNS / 2;
    int[] labels = new int[rows * COLUMNS];
    for (int i = 0; i < labels.length; i++) {
      labels[i] = config.conditional() ? i / COLUMNS : 0;
    }
    Tensor images = sampler.images(labels, new SplittableRandom(0));
    int size = images.data().length / labels.length;
    ImageGrid grid = new ImageGrid(rows, COLUMNS, config.channels(), config.resolution(),
        Math.max(1, 64 / config.resolution()), 2);
    for (int i = 0; i < labels.length; i++) {
      grid.set(i / COLUMNS, i % COLUMNS, Arrays.copyOfRange(images.data(), i * size, (i + 1) * size));
    }
    return grid.png();
  }
}
