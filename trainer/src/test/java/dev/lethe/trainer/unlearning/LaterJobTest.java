package dev.lethe.trainer.unlearning;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.TestDevice;
import dev.lethe.trainer.TinyModel;
import dev.lethe.trainer.metrics.PixelDistance;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.resume.ResumePoints;
import dev.lethe.trainer.sampling.Sampler;
import dev.lethe.trainer.unlearning.UnlearningRequest.Classes;
import java.io.IOException;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A job on a model that has unlearned before. */
class LaterJobTest extends JobFixture {

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aLaterJobTakesBackWhatEarlierOnesMovedAlong(boolean items) throws IOException {
    Bundle first = TinyModel.bundle(root.resolve("v1"), 3, Map.of());
    job = root.resolve("earlier");
    run(first, request(ITEMS, lethe(4, 0.0005), false), images(3, 2));
    Bundle base = candidate();
    UnlearningRequest later = items ? request(ITEMS, lethe(8, 0.0005), false)
        : request(new Classes(Set.of(2)), lethe(8, 0.0005), false);
    job = root.resolve("held");
    run(first, base, later, images(3, 2), ResumePoints.none(), (stage, step, steps, fraction, values) -> { });
    double held = distance(first, candidate());
    job = root.resolve("free");
    run(base, base, later, images(3, 2), ResumePoints.none(), (stage, step, steps, fraction, values) -> { });
    double free = distance(first, candidate());
    assertTrue(held < free, held + " from the root, " + free + " where nothing held it there");
  }

  /** Of what two models draw of classes that stay. */
  private static double distance(Bundle a, Bundle b) throws IOException {
    ModelWeights one = ModelWeights.read(a);
    ModelWeights other = ModelWeights.read(b);
    try (Sampler ofOne = Sampler.open(one.config(), one.weights(), TestDevice.compute());
        Sampler ofOther = Sampler.open(other.config(), other.weights(), TestDevice.compute())) {
      Tensor w = ofOne.latents(IntStream.range(0, 64).map(i -> i % 2).toArray(), new SplittableRandom(1));
      Tensor drawn = ofOne.images(w);
      return PixelDistance.squared(drawn.data(), 0, ofOther.images(w).data(), 0, drawn.data().length);
    }
  }
}
