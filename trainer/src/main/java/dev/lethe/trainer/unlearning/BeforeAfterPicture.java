package dev.lethe.trainer.unlearning;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.image.ImageGrid;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.sampling.Sampler;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** Shows what unlearning did to the generator. */
public record BeforeAfterPicture(ModelWeights original, ModelWeights candidate, ExecutionDevice device, int threads) {

  private static final int MOST_COLUMNS = 16;
  private static final int LEAST_SIDE = 64;

  /** Three rows: images to unlearn, what the original makes of their latents, and what the candidate makes of these. */
  public void write(Path file, Found found) throws IOException {
    ImageDataset images = found.images();
    int columns = Math.min(MOST_COLUMNS, Math.min(images.size(), found.labels().length));
    ImageGrid grid = new ImageGrid(3, columns, images.channels(), images.resolution(),
        Math.max(1, LEAST_SIDE / images.resolution()), 2);
    Tensor latents = found.latents().rows(0, columns);
    List<Tensor> rows = List.of(images.images(), made(original, latents), made(candidate, latents));
    int size = images.imageSize();
    for (int row = 0; row < rows.size(); row++) {
      for (int i = 0; i < columns; i++) {
        grid.set(row, i, Arrays.copyOfRange(rows.get(row).data(), i * size, (i + 1) * size));
      }
    }
    Files.write(file, grid.png());
  }

  private Tensor made(ModelWeights model, Tensor latents) {
    try (Sampler sampler = Sampler.open(model.config(), model.weights(), device, threads)) {
      return sampler.images(latents);
    }
  }
}
