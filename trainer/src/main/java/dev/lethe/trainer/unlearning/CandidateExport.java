package dev.lethe.trainer.unlearning;

import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.bundle.ModelCard.WStatistics;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.image.ImageGrid;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.models.stylegan2.StyleGan2Bundle;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.sampling.LatentStatistics;
import dev.lethe.trainer.sampling.Sampler;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Writes a model that has unlearned as a bundle, and pictures of what that did. */
record CandidateExport(Bundle base, ModelWeights original, ModelWeights candidate, ExecutionDevice device,
    int threads) {

  private static final int PICTURES = 16;
  private static final int LEAST_SIDE = 64;

  /** @param erased class indices that the candidate has unlearned as a whole */
  void writeBundle(Path directory, String version, Set<Integer> erased) throws IOException {
    ModelCard card = base.card();
    Map<String, Tensor> weights = new HashMap<>(candidate.weights());
    WStatistics w;
    try (Sampler sampler = Sampler.open(candidate.config(), weights, device, threads)) {
      w = LatentStatistics.measure(candidate.config(), sampler);
    }
    weights.put("G.mapping.w_avg", Tensor.of(w.avg(), w.avg().length));
    weights.keySet().removeIf(name -> name.startsWith("F."));
    Map<String, String> unlearned = new HashMap<>(card.unlearnedLabels());
    erased.forEach(index -> unlearned.put(card.labels().get(index), version));
    StyleGan2Bundle.write(directory, new ModelCard(ModelCard.FORMAT_VERSION, card.name(), version, card.version(),
        card.architecture(), card.network(), card.labels(), unlearned, w, card.training(), null, Map.of()), weights,
        base.features());
  }

  /** Three rows: images to unlearn, what the original makes of their latents, and what the candidate makes of these. */
  void writePicture(Path file, Found found) throws IOException {
    ImageDataset images = found.images();
    int columns = Math.min(PICTURES, Math.min(images.size(), found.labels().length));
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
