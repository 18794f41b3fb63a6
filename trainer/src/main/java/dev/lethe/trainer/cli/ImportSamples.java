package dev.lethe.trainer.cli;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.image.ImageGrid;
import dev.lethe.models.stylegan2.StyleGan2Config;
import dev.lethe.trainer.sampling.Sampler;
import java.io.IOException;
import java.util.Arrays;
import java.util.SplittableRandom;

/** A picture of what an imported generator draws: of large images fewer, a row at a time. */
final class ImportSamples {

  private static final int WIDEST = 2048;
  private static final int MOST_COLUMNS = 8;
  private static final int LEAST_SIZE = 64;

  private ImportSamples() {}

  /**
   * A PNG file; of a conditional model, the classes in turn.
   *
   * @throws IOException if the generator draws something else than numbers
   */
  static byte[] png(StyleGan2Config config, Sampler sampler) throws IOException {
    int columns = Math.min(MOST_COLUMNS, Math.max(2, WIDEST / config.resolution()));
    int rows = Math.max(2, columns / 2);
    ImageGrid grid = new ImageGrid(rows, columns, config.channels(), config.resolution(),
        Math.max(1, LEAST_SIZE / config.resolution()), 2);
    SplittableRandom random = new SplittableRandom(0);
    for (int row = 0; row < rows; row++) {
      int[] labels = new int[columns];
      for (int column = 0; column < columns; column++) {
        labels[column] = config.conditional() ? (row * columns + column) % config.classes() : 0;
      }
      Tensor images = sampler.images(labels, random);
      int size = images.data().length / columns;
      for (float value : images.data()) {
        if (!Float.isFinite(value)) {
          throw new IOException("the generator draws values that are no finite numbers, as " + value
              + ": its weights are not those of a trained model");
        }
      }
      for (int column = 0; column < columns; column++) {
        grid.set(row, column, Arrays.copyOfRange(images.data(), column * size, (column + 1) * size));
      }
    }
    return grid.png();
  }
}
