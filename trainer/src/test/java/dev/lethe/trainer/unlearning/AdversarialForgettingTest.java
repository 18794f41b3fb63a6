package dev.lethe.trainer.unlearning;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.lethe.models.runtime.TestDevice;
import dev.lethe.trainer.TinyModel;
import dev.lethe.trainer.model.ModelWeights;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AdversarialForgettingTest {

  @TempDir private Path directory;

  @Test
  void synthesisAndDiscriminatorLearnAndLatentsKeepTheirMeaning() throws IOException {
    ModelWeights model = TinyModel.of(2);
    List<Integer> steps = new ArrayList<>();
    ModelWeights trained = new AdversarialForgetting(model, 0.064, 3, directory, TestDevice.compute())
        .run(TinyModel.unlearned(2, 4), TinyModel.learned(2, 16), (step, of, values) -> {
          assertEquals(4, of);
          steps.add(step);
        });
    assertEquals(List.of(1, 2, 3, 4), steps);
    model.config().parameters().keySet().stream().filter(name -> name.endsWith("weight"))
        .forEach(name -> assertEquals(
            !model.config().isSynthesis(name) && !model.config().isDiscriminator(name),
            Arrays.equals(model.weights().get(name).data(), trained.weights().get(name).data()), name));
  }
}
