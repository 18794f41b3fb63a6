package dev.lethe.bench.convolution;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.bench.model.BenchModel;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.models.stylegan2.StyleGan2Config;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConvolutionComparisonTest {

  @TempDir
  Path cache;

  @Test
  void allFormsDrawTheSameImages() throws IOException {
    BenchModel model = BenchModel.random(new StyleGan2Config(32, 3, 0, 16, 16, 2, 512, 32), cache);
    for (int batch : new int[] {1, 3}) {
      ConvolutionComparison.Result result = ConvolutionComparison.of(model, batch, ExecutionDevice.CPU, 1, 1, 0);
      assertTrue(result.difference() < 1e-5, result.toString());
      assertEquals(batch, result.batch());
      assertTrue(result.servedMillis() > 0 && result.bundleMillis() > 0 && result.groupedMillis() > 0,
          result.toString());
    }
  }
}
