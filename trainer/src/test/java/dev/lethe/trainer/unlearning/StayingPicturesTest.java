package dev.lethe.trainer.unlearning;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.TestDevice;
import dev.lethe.trainer.TinyModel;
import dev.lethe.trainer.features.ModelRunner;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.redaction.Stayers;
import dev.lethe.trainer.sampling.Sampler;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class StayingPicturesTest {

  private final ModelWeights root = TinyModel.of(2);
  private final Tensor latents = latents();
  private final ModelRunner runner = new ModelRunner(TestDevice.compute());

  @AfterEach
  void close() {
    runner.close();
  }

  @Test
  void aDriftIsTakenBack() {
    assertArrayEquals(drawn(root), staying(drifted(0.001f)));
  }

  @Test
  void whatAnEarlierJobHasRedactedDoesNotComeBack() {
    ModelWeights redacted = drifted(-3);
    assertArrayEquals(drawn(redacted), staying(redacted));
  }

  @Test
  void aModelThatHasNotUnlearnedStaysAsItIs() {
    assertArrayEquals(drawn(root), staying(root));
  }

  @Test
  void earlierRedactionsAreFoundByTheDifferenceOfTwoVersions() {
    assertEquals(0, new StayingPictures(root, drifted(0.001f), 64, runner).redacted(latents).size());
    ModelWeights redacted = drifted(-3);
    Stayers held = new StayingPictures(root, redacted, 64, runner).redacted(latents);
    assertEquals(8, held.size());
    try (Sampler sampler = Sampler.open(root.config(), redacted.weights(), TestDevice.compute())) {
      assertArrayEquals(sampler.images(held.latents()).data(), held.images().data());
    }
  }

  private float[] staying(ModelWeights model) {
    return new StayingPictures(root, model, 64, runner).at(latents).images().data();
  }

  /** The root with the weights of its synthesis network larger by a share of them. */
  private ModelWeights drifted(float share) {
    Map<String, Tensor> changed = new HashMap<>();
    root.weights().forEach((name, weight) -> {
      if (root.config().isSynthesis(name) && name.endsWith("weight")) {
        float[] values = weight.data().clone();
        IntStream.range(0, values.length).forEach(i -> values[i] *= 1 + share);
        changed.put(name, new Tensor(weight.shape(), values));
      }
    });
    return root.with(changed);
  }

  private Tensor latents() {
    try (Sampler sampler = Sampler.open(root.config(), root.weights(), TestDevice.compute())) {
      return sampler.latents(new int[] {0, 1, 0, 1, 0, 1, 0, 1}, new SplittableRandom(4));
    }
  }

  private float[] drawn(ModelWeights model) {
    try (Sampler sampler = Sampler.open(model.config(), model.weights(), TestDevice.compute())) {
      return sampler.images(latents).data();
    }
  }
}
