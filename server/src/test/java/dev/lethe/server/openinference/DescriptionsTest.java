package dev.lethe.server.openinference;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.lethe.inference.ModelConfig;
import dev.lethe.inference.ModelInput;
import dev.lethe.inference.ModelInstanceGroup.Kind;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.server.TinyBundles;
import dev.lethe.server.inference.BatchingOptions;
import dev.lethe.server.security.Latents;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class DescriptionsTest {

  @Test
  void configSaysHowBatchesAreGatheredAndWhereTheyRun() {
    ModelConfig config = Descriptions.config(
        TinyBundles.card("tiny", "v3", "v2", TinyBundles.UNCONDITIONAL, Map.of()), 16,
        new BatchingOptions(4, Duration.ofNanos(1_500_000), 3, 10), new ExecutionDevice.Cuda(1), Latents.Z);
    assertEquals(List.of("seed", "z", "psi"), config.getInputList().stream().map(ModelInput::getName).toList());
    assertEquals(16, config.getMaxBatchSize());
    assertEquals(List.of(4), config.getDynamicBatching().getPreferredBatchSizeList());
    assertEquals(1500, config.getDynamicBatching().getMaxQueueDelayMicroseconds());
    assertEquals(Kind.KIND_GPU, config.getInstanceGroup(0).getKind());
    assertEquals(List.of(1), config.getInstanceGroup(0).getGpusList());
    assertEquals(3, config.getInstanceGroup(0).getCount());
    assertEquals("v3", config.getParametersOrThrow("version").getStringValue());
    assertFalse(config.containsParameters("labels"));
  }
}
