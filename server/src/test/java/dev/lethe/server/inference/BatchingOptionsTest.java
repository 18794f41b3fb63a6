package dev.lethe.server.inference;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.models.stylegan2.StyleGan2Config;
import dev.lethe.server.TinyBundles;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BatchingOptionsTest {

  @ParameterizedTest
  @CsvSource({"32, 8, 8", "128, 4, 8", "256, 1, 8", "1024, 1, 1"})
  void choosesWhatSuitsTheImagesAndTheDevice(int resolution, int cpu, int gpu) {
    assertEquals(cpu, options(0).batchSize(card(resolution), ExecutionDevice.CPU));
    assertEquals(gpu, options(0).batchSize(card(resolution), new ExecutionDevice.Cuda(0)));
  }

  @Test
  void whatIsSetHolds() {
    assertEquals(5, options(5).batchSize(card(1024), ExecutionDevice.CPU));
  }

  private static BatchingOptions options(int maxBatch) {
    return new BatchingOptions(maxBatch, Duration.ZERO, 1, 1);
  }

  private static ModelCard card(int resolution) {
    return TinyBundles.card("tiny", "v1", null, new StyleGan2Config(resolution, 3, 0, 8, 8, 2, 1024, 8), Map.of());
  }
}
