package dev.lethe.bench.device;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.lethe.models.graph.DataType;
import dev.lethe.models.graph.OnnxWriter;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.Compute;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.models.runtime.InferenceSession;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ProductCeilingTest {

  private static final int SIZE = 64;

  @ParameterizedTest
  @EnumSource(value = DataType.class, names = {"FLOAT", "FLOAT16"})
  void theChainOfProductsGivesWhatItBeganWith(DataType type) {
    SplittableRandom random = new SplittableRandom(1);
    double mean = IntStream.range(0, SIZE).mapToDouble(i -> (float) random.nextGaussian()).sum() / SIZE;
    try (InferenceSession session = InferenceSession.open(
        OnnxWriter.inference(ProductCeiling.chain(SIZE, type), Map.of()), new Compute(ExecutionDevice.CPU, 1))) {
      float found = session.run(Map.of("one", Tensor.of(new float[] {1}, 1))).get("mean").data()[0];
      assertEquals(mean * mean, found, type == DataType.FLOAT ? 1e-5 : 1e-2 * mean * mean + 1e-3);
    }
  }
}
