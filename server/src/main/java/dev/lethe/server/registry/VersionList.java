package dev.lethe.server.registry;

import com.google.protobuf.Timestamp;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.server.erasure.Erasure;
import dev.lethe.server.lifecycle.ModelLife;
import dev.lethe.server.modelstore.VersionName;
import dev.lethe.server.provenance.ModelSignature;
import dev.lethe.v1.ModelVersion;
import dev.lethe.v1.VersionState;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/** What clients are told of a model's versions: those on disk, and those of which the proof alone is left. Blocks. */
record VersionList(ServedModel model, ModelRegistry registry) {

  List<ModelVersion> all() throws IOException {
    ModelLife life = model.life();
    NavigableMap<String, Bundle> bundles = registry.store().versions(model.name());
    Map<String, String> parents = Succession.parents(bundles.values());
    Map<String, VersionState> busy = model.states();
    NavigableMap<String, ModelVersion> versions = new TreeMap<>(VersionName.NATURAL);
    life.purged().keySet().forEach(purged -> versions.put(purged, facts(purged, life, parents)
        .setState(VersionState.VERSION_STATE_PURGED).build()));
    bundles.forEach((name, bundle) -> {
      ModelVersion.Builder version = facts(name, life, parents)
          .addAllUnlearnedLabels(bundle.card().unlearnedLabels().keySet());
      if (bundle.card().parentVersion() != null) {
        version.setParentVersion(bundle.card().parentVersion());
      }
      boolean retired = !version.getRetiredReason().isEmpty();
      version.setState(busy.getOrDefault(name, retired ? VersionState.VERSION_STATE_RETIRED
          : model.isCandidate(bundle) ? VersionState.VERSION_STATE_CANDIDATE : VersionState.VERSION_STATE_AVAILABLE));
      version.setCanaryPercent(model.shares().getOrDefault(name, 0.0));
      Duration grace = registry.lifecycle().rules().grace();
      if (retired && registry.store().isOwn(bundle) && !grace.isZero()) {
        version.setPurgeDue(timestamp(Instant.ofEpochSecond(version.getRetired().getSeconds()).plus(grace)));
      }
      versions.put(name, version.build());
    });
    return List.copyOf(versions.values());
  }

  private ModelVersion.Builder facts(String name, ModelLife life, Map<String, String> parents) {
    ModelVersion.Builder version = ModelVersion.newBuilder().setModel(model.name()).setVersion(name)
        .setIsSigned(registry.store().proof(model.name(), name).has(ModelSignature.FILE));
    life.lacks(name, parents).forEach(erasure -> version.addLacks(message(erasure)));
    life.holds(name, parents).forEach(erasure -> version.addHolds(message(erasure)));
    life.refusal(name, parents).ifPresent(refusal ->
        version.setRetiredReason(refusal.reason()).setRetired(timestamp(refusal.since())));
    return version;
  }

  private static dev.lethe.v1.Erasure message(Erasure erasure) {
    return dev.lethe.v1.Erasure.newBuilder().setId(erasure.id()).setVersion(erasure.version()).setKind(erasure.kind())
        .addAllClasses(erasure.classes()).setImages(erasure.images()).setPromoted(timestamp(erasure.promoted()))
        .build();
  }

  private static Timestamp timestamp(Instant time) {
    return Timestamp.newBuilder().setSeconds(time.getEpochSecond()).setNanos(time.getNano()).build();
  }
}
