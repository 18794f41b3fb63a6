package dev.lethe.trainer.unlearning;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.image.ImageGrid;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.trainer.audit.ItemFindings;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.sampling.Sampler;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Shows what unlearning did to the generator. */
public record BeforeAfterPicture(ModelWeights original, ModelWeights candidate, ExecutionDevice device, int threads) {

  private static final int MOST_COLUMNS = 16;
  private static final int LEAST_SIDE = 64;

  /**
   * Of single images five rows, by what the audit found: the images, what the original draws of them, what the candidate
   * draws of the same latents, the nearest that an attack finds in the candidate, and the substitutes. Else three:
   * images, what the original makes of latents of them, and what the candidate makes of these.
   */
  public void write(Path file, UnlearningTargets found, Optional<ItemFindings> audit) throws IOException {
    if (audit.isPresent()) {
      ItemFindings.Pictures pictures = audit.get().pictures();
      write(file, found.images(), (int) pictures.images().shape()[0], List.of(pictures.images(), pictures.original(),
          pictures.candidate(), pictures.again(), pictures.substitutes()));
      return;
    }
    int most = Math.min(found.images().size(), found.labels().length);
    Tensor latents = found.latents().rows(0, most);
    write(file, found.images(), most,
        List.of(found.images().images(), made(original, latents), made(candidate, latents)));
  }

  private static void write(Path file, ImageDataset like, int most, List<Tensor> rows) throws IOException {
    int columns = Math.min(MOST_COLUMNS, most);
    ImageGrid grid = new ImageGrid(rows.size(), columns, like.channels(), like.resolution(),
        Math.max(1, LEAST_SIDE / like.resolution()), 2);
    int size = like.imageSize();
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
