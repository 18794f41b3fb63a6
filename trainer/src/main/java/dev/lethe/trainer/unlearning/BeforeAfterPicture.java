package dev.lethe.trainer.unlearning;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.image.ImageGrid;
import dev.lethe.models.runtime.Compute;
import dev.lethe.trainer.audit.ItemFindings;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.sampling.Sampler;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Shows what unlearning did to the generator. */
public record BeforeAfterPicture(ModelWeights original, ModelWeights candidate, Compute compute) {

  private static final int MOST_COLUMNS = 16;
  private static final int LEAST_SIDE = 64;

  /**
   * Of single images five rows, by what the audit found: the images, what the original draws of them, what the
   * candidate draws of the same latents, the nearest that an attack finds in the candidate, and the substitutes. Else
   * three: images, what the original makes of latents of them, and what the candidate makes of these.
   */
  public void write(Path file, UnlearningTargets found, Optional<ItemFindings> audit) throws IOException {
    if (audit.isPresent()) {
      write(file, audit.get().pictures());
      return;
    }
    int most = Math.min(found.images().size(), found.labels().length);
    Tensor latents = found.latents().rows(0, most);
    write(file, most,
        List.of(found.images().images(), made(original, latents), made(candidate, latents)));
  }

  /** The five rows of what an audit of single images found. */
  public static void write(Path file, ItemFindings.Pictures pictures) throws IOException {
    write(file, (int) pictures.images().shape()[0], List.of(pictures.images(), pictures.original(),
        pictures.candidate(), pictures.again(), pictures.substitutes()));
  }

  /** @param rows images [N, C, H, W], of at least {@code most} each */
  private static void write(Path file, int most, List<Tensor> rows) throws IOException {
    long[] shape = rows.get(0).shape();
    int columns = Math.min(MOST_COLUMNS, most);
    int resolution = (int) shape[2];
    ImageGrid grid = new ImageGrid(rows.size(), columns, (int) shape[1], resolution,
        Math.max(1, LEAST_SIDE / resolution), 2);
    int size = (int) (shape[1] * shape[2] * shape[3]);
    for (int row = 0; row < rows.size(); row++) {
      for (int i = 0; i < columns; i++) {
        grid.set(row, i, Arrays.copyOfRange(rows.get(row).data(), i * size, (i + 1) * size));
      }
    }
    Files.write(file, grid.png());
  }

  private Tensor made(ModelWeights model, Tensor latents) {
    try (Sampler sampler = Sampler.open(model.config(), model.weights(), compute)) {
      return sampler.images(latents);
    }
  }
}
