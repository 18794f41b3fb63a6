package dev.lethe.trainer.unlearning;

import dev.lethe.models.architecture.GanArchitecture;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.bundle.ModelCard.WStatistics;
import dev.lethe.models.runtime.Compute;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.sampling.LatentStatistics;
import dev.lethe.trainer.sampling.Sampler;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Writes a model that has unlearned as a bundle. */
record CandidateExport(Bundle base, ModelWeights candidate, Compute compute) {

  /** @param erased class indices that the candidate has unlearned as a whole */
  void write(Path directory, String version, Set<Integer> erased) throws IOException {
    ModelCard card = base.card();
    WStatistics w;
    try (Sampler sampler = Sampler.open(candidate.config(), candidate.weights(), compute)) {
      w = LatentStatistics.measure(candidate.config(), sampler);
    }
    Map<String, String> unlearned = new HashMap<>(card.unlearnedLabels());
    erased.forEach(index -> unlearned.put(card.labels().get(index), version));
    ModelCard unlearnedCard = new ModelCard(ModelCard.FORMAT_VERSION, card.name(), version, card.version(),
        card.architecture(), card.network(), card.labels(), unlearned, w, card.training(), null, Map.of());
    GanArchitecture.of(card).write(directory, unlearnedCard, candidate.weights(),
        card.has(Bundle.FEATURES) ? Optional.of(base.features()) : Optional.empty());
  }
}
