package dev.lethe.trainer.unlearning;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.runtime.Compute;
import dev.lethe.trainer.TinyModel;
import dev.lethe.trainer.data.Datasets;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.inversion.InversionOptions;
import dev.lethe.trainer.inversion.LatentSpace;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.redaction.RedactionOptions;
import dev.lethe.trainer.resume.ResumePoints;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PersonUnlearningTest {

  private static final PersonUnlearning.Options SHORT = new PersonUnlearning.Options(
      new RedactionOptions(4, 4, 4, 4, 4, 0.01, 0.6, 0.05, RedactionOptions.ALL_LAYERS),
      new SearchOptions(new InversionOptions(LatentSpace.W, 8, 1, 2, 0.1, 0), 6,
          new InversionOptions(LatentSpace.W, 8, 1, 2, 0.1, 0), 4, 8, 64), 6);

  @TempDir
  private Path directory;

  @Test
  void theSynthesisNetworkMovesAndNothingElse() throws IOException {
    for (PersonUnlearning.Options options : List.of(SHORT, SHORT.photosAlone())) {
      ModelWeights model = TinyModel.of(0);
      PersonUnlearning.Result result = run(model, options, photos(3));
      assertEquals(4, result.steps());
      List<String> moved = new ArrayList<>();
      model.weights().forEach((name, weight) -> {
        if (!Arrays.equals(weight.data(), result.candidate().weights().get(name).data())) {
          moved.add(name);
        }
      });
      assertTrue(!moved.isEmpty() && moved.stream().allMatch(name -> name.startsWith("G.synthesis.")),
          moved.toString());
    }
  }

  @Test
  void theSameSeedGivesTheSameCandidate() throws IOException {
    ModelWeights model = TinyModel.of(0);
    ModelWeights first = run(model, SHORT, photos(3)).candidate();
    ModelWeights second = run(model, SHORT, photos(3)).candidate();
    first.weights().forEach((name, weight) -> assertArrayEquals(weight.data(), second.weights().get(name).data(),
        name));
  }

  @Test
  void onePhotoIsNoNeighbourhood() {
    assertEquals("a person is unlearned by two photos or more; there are 1",
        assertThrows(IllegalArgumentException.class, () -> run(TinyModel.of(0), SHORT, photos(1))).getMessage());
  }

  private PersonUnlearning.Result run(ModelWeights model, PersonUnlearning.Options options, ImageDataset photos)
      throws IOException {
    return new PersonUnlearning(model, options, 1, ResumePoints.none(), directory, Compute.cpu(1))
        .run(photos, unlabelled(TinyModel.learned(0, 8)), (step, steps, values) -> { });
  }

  private static ImageDataset photos(int n) {
    return unlabelled(TinyModel.unlearned(0, n));
  }

  private static ImageDataset unlabelled(ImageDataset images) {
    return Datasets.of(List.of(), images.images(), new int[images.size()]);
  }
}
