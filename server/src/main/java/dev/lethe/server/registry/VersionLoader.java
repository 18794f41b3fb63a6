package dev.lethe.server.registry;

import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.server.inference.GeneratorSessions;
import dev.lethe.server.inference.InferenceEngine;
import dev.lethe.server.monitoring.ServerMetrics;
import java.io.IOException;
import java.util.function.Consumer;

/**
 * Brings versions into memory: hashes checked, graphs loaded, warmed.
 *
 * @param threads threads inside an operator
 */
record VersionLoader(ExecutionDevice device, int threads, ServerMetrics metrics) {

  /**
   * Blocks for as long as that takes.
   *
   * @param unused told once nobody holds the version any more
   * @throws IOException if the bundle is damaged, does not load, or generates no numbers; with the reason
   */
  ServedVersion load(Bundle bundle, Consumer<ServedVersion> unused) throws IOException {
    bundle.verify();
    GeneratorSessions generator = GeneratorSessions.load(bundle, device, threads);
    try {
      generator.warm(1, InferenceEngine.batchSize(bundle.card()));
    } catch (IOException | RuntimeException e) {
      generator.close();
      throw e;
    }
    metrics.versionLoaded(bundle.card().name());
    return new ServedVersion(generator, unused);
  }
}
