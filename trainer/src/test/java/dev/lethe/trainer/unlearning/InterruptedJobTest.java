package dev.lethe.trainer.unlearning;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.encryption.FileCipher;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.stylegan2.StyleGan2Bundle;
import dev.lethe.trainer.TinyModel;
import dev.lethe.trainer.resume.ResumePoints;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Jobs that several workers carry out, one after the other. */
class InterruptedJobTest extends JobFixture {

  private ResumePoints points() {
    return ResumePoints.in(root.resolve("checkpoint"), Optional.of(new FileCipher(new byte[FileCipher.KEY_BYTES])),
        "one",
        Duration.ZERO);
  }

  /** Runs until the discriminator's step 14, or to its end. */
  private UnlearningReport interrupted(Bundle base, boolean whole) throws IOException {
    job = Files.createTempDirectory(root, "job");
    stages.clear();
    return run(base, request(ITEMS, lethe(4, 0.01), false), images(3, 2), points(),
        (stage, step, steps, fraction, values) -> {
          stages.add(values.containsKey("moving_loss") ? "generator" : stage);
          if (!whole && values.containsKey("unlearn_d_loss") && step == 14) {
            throw new IllegalStateException("the worker ends");
          }
        });
  }

  @Test
  void aJobThatIsInterruptedGoesOnFromItsCheckpointToTheSameResult() throws IOException {
    Bundle base = TinyModel.bundle(root.resolve("v1"), 3, Map.of());
    run(base, request(ITEMS, lethe(4, 0.01), false), images(3, 2));
    Map<String, Tensor> uninterrupted = StyleGan2Bundle.weights(candidate());

    assertThrows(IllegalStateException.class, () -> interrupted(base, false));
    assertTrue(stages.containsAll(List.of("inversion", "generator")), stages.toString());
    UnlearningReport report = interrupted(base, true);
    assertEquals(List.of("unlearning", "export", "audit", "measuring", "retraining"),
        stages.stream().distinct().toList());
    assertEquals(4, report.iterations());
    StyleGan2Bundle.weights(candidate()).forEach((name, weight) ->
        assertArrayEquals(uninterrupted.get(name).data(), weight.data(), 1e-6f, name));
    // Nothing of it is readable without the key.
    try (Stream<Path> files = Files.list(root.resolve("checkpoint"))) {
      assertTrue(files.allMatch(file -> file.toString().endsWith(".sealed")));
    }
  }

  @Test
  void whatAnotherWorkerHasDoneIsToldBeforeTheNextStep() throws IOException {
    Bundle base = TinyModel.bundle(root.resolve("v1"), 3, Map.of());
    int[] told = {0};
    for (int until : new int[] {11, 10}) {
      job = root.resolve("until" + until);
      assertThrows(IllegalStateException.class, () -> run(base, request(ITEMS, lethe(30, 0.01), false), images(3, 2),
          points(), (stage, step, steps, fraction, values) -> {
            if (stage.equals("unlearning") && step >= until) {
              told[0] = step;
              throw new IllegalStateException("the worker ends");
            }
          }));
    }
    assertEquals(10, told[0]);
  }

  @Test
  void aDamagedCheckpointIsToldOfAndItsWorkDoneAnew() throws IOException {
    Bundle base = TinyModel.bundle(root.resolve("v1"), 3, Map.of());
    assertThrows(IllegalStateException.class, () -> interrupted(base, false));
    for (String name : List.of("inversion.sealed", "generator.sealed")) {
      Path file = root.resolve("checkpoint").resolve(name);
      byte[] bytes = Files.readAllBytes(file);
      bytes[bytes.length / 2] ^= 1;
      Files.write(file, bytes);
    }
    UnlearningReport report = interrupted(base, true);
    assertTrue(stages.containsAll(List.of("inversion", "generator")), stages.toString());
    assertTrue(report.notes()
        .containsAll(List.of("the checkpoint of inversion was of no use, and its work was done anew",
        "the checkpoint of generator was of no use, and its work was done anew")), report.notes().toString());
  }
}
