package dev.lethe.server.registry;

import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.features.RecognisedClasses;
import dev.lethe.server.inference.ServedGenerator;
import dev.lethe.server.inference.InferenceEngine;
import dev.lethe.server.monitoring.ServerMetrics;
import java.io.IOException;
import java.util.function.Consumer;

/** Brings versions into memory: hashes checked, graphs loaded, warmed. */
record VersionLoader(InferenceEngine engine, ServerMetrics metrics) {

  /**
   * Blocks for as long as that takes.
   *
   * @param unused told once nobody holds the version any more
   * @throws IOException if the bundle is damaged, does not load, or generates no numbers; with the reason
   */
  ServedVersion load(Bundle bundle, Consumer<ServedVersion> unused) throws IOException {
    bundle.verify();
    RecognisedClasses recognises = bundle.card().has(Bundle.FEATURES) ? RecognisedClasses.of(bundle.features())
        : RecognisedClasses.NONE;
    ServedGenerator generator = engine.open(bundle);
    metrics.versionLoaded(bundle.card().name());
    return new ServedVersion(generator, recognises, unused);
  }
}
