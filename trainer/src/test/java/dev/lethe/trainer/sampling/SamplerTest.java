package dev.lethe.trainer.sampling;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.bundle.ModelCard.WStatistics;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.Compute;
import dev.lethe.models.runtime.InferenceSession;
import dev.lethe.models.stylegan2.StyleGan2Bundle;
import dev.lethe.models.stylegan2.StyleGan2Config;
import dev.lethe.models.stylegan2.Weights;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SamplerTest {

  private static final StyleGan2Config CONDITIONAL = new StyleGan2Config(32, 1, 3, 6, 8, 1, 64, 4);
  private static final StyleGan2Config UNCONDITIONAL = new StyleGan2Config(32, 3, 0, 6, 8, 1, 64, 4);
  /** Of as many channels as processors compute in their own layout. */
  private static final StyleGan2Config BLOCKED = new StyleGan2Config(32, 1, 3, 6, 8, 1, 1024, 16);
  private static final int[] LABELS = {2, 0, 1, 1};

  @TempDir private Path temp;

  @Test
  void imagesDoNotDependOnHowManyAreMadeAtOnce() {
    int n = 131;
    try (Sampler sampler = sampler(CONDITIONAL)) {
      Tensor w = sampler.latents(new int[n], new SplittableRandom(1));
      Tensor images = sampler.images(w);
      assertArrayEquals(new long[] {n, 1, 32, 32}, images.shape());
      for (int i : new int[] {0, 127, 128, 130}) {
        Tensor alone = sampler.images(Tensor.of(Arrays.copyOfRange(w.data(), i * 8, (i + 1) * 8), 1, 8));
        assertArrayEquals(alone.data(), Arrays.copyOfRange(images.data(), i * 1024, (i + 1) * 1024), 1e-5f);
      }
    }
  }

  /** The networks as they are served: with all of psi, and their constant noise. */
  @Test
  void latentsAndImagesAreThoseThatAreServed() throws IOException {
    for (StyleGan2Config config : List.of(CONDITIONAL, UNCONDITIONAL, BLOCKED)) {
      Map<String, Tensor> weights = weights(config);
      // In new networks noise has no strength.
      weights.replaceAll((name, tensor) -> name.endsWith(".noise_strength")
          ? Tensor.of(new float[] {0.5f}, 1) : tensor);
      SplittableRandom random = new SplittableRandom(4);
      Tensor z = Tensor.zeros(LABELS.length, 6);
      for (int i = 0; i < z.data().length; i++) {
        z.data()[i] = (float) random.nextGaussian();
      }
      Tensor psi = Tensor.of(new float[] {1, 1, 1, 1}, 4, 1);
      Tensor c = Tensor.of(new float[] {0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 1, 0}, 4, 3);
      List<String> labels = IntStream.range(0, config.classes()).mapToObj(Integer::toString).toList();
      ModelCard card = new ModelCard(ModelCard.FORMAT_VERSION, "model", "v1", null, ModelCard.STYLEGAN2,
          config.network(), labels, Map.of(), new WStatistics(new float[8], new float[0][]), null, null, Map.of());
      Path directory = temp.resolve("of" + labels.size() + "-" + config.channelMax());
      Bundle bundle = StyleGan2Bundle.write(directory, card, weights);
      Tensor ws = run(bundle.mapping(),
          config.conditional() ? Map.of("z", z, "psi", psi, "c", c) : Map.of("z", z, "psi", psi)).get("ws");
      Tensor served = run(bundle.synthesis(), Map.of("ws", ws)).get("image");
      try (Sampler sampler = Sampler.open(config, weights, Compute.cpu(1))) {
        Tensor w = sampler.latents(LABELS, new SplittableRandom(4));
        for (int i = 0; i < ws.data().length; i++) {
          int image = i / (config.numWs() * 8);
          assertEquals(ws.data()[i], w.data()[image * 8 + i % 8], 1e-5f);
        }
        assertArrayEquals(served.data(), sampler.images(w).data(), 1e-4f);
        assertArrayEquals(sampler.images(w).data(), sampler.images(LABELS, new SplittableRandom(4)).data());
      }
    }
  }

  private static Map<String, Tensor> run(Path model, Map<String, Tensor> inputs) {
    try (InferenceSession session = InferenceSession.open(model, Compute.cpu(1))) {
      return session.run(inputs);
    }
  }

  @Test
  void aLatentForEachLayerIsTheSameWhereAllLayersHaveTheSame() {
    try (Sampler sampler = sampler(CONDITIONAL)) {
      Tensor w = sampler.latents(new int[131], new SplittableRandom(1));
      int layers = CONDITIONAL.numWs();
      Tensor repeated = Tensor.of(w.rows(IntStream.range(0, 131 * layers).map(i -> i / layers).toArray()).data(),
          131, layers, 8);
      float[] expected = sampler.images(w).data();
      assertArrayEquals(expected, sampler.images(repeated).data());
      repeated.data()[8] += 1;
      float[] other = sampler.images(repeated).data();
      assertFalse(Arrays.equals(Arrays.copyOf(expected, 1024), Arrays.copyOf(other, 1024)), "a layer of its own");
      assertArrayEquals(Arrays.copyOfRange(expected, 1024, 2048), Arrays.copyOfRange(other, 1024, 2048));
    }
  }

  @Test
  void theClassMattersWhereThereAreClasses() {
    try (Sampler sampler = sampler(CONDITIONAL)) {
      float[] first = sampler.latents(new int[] {0}, new SplittableRandom(1)).data();
      assertFalse(Arrays.equals(first, sampler.latents(new int[] {1}, new SplittableRandom(1)).data()));
      assertArrayEquals(first, sampler.latents(new int[] {0}, new SplittableRandom(1)).data());
    }
    try (Sampler sampler = sampler(UNCONDITIONAL)) {
      assertArrayEquals(sampler.latents(new int[] {0}, new SplittableRandom(1)).data(),
          sampler.latents(new int[] {99}, new SplittableRandom(1)).data());
    }
  }

  @Test
  void aClassThatTheModelLacksIsRefused() {
    try (Sampler sampler = sampler(CONDITIONAL)) {
      for (int label : new int[] {-1, 3}) {
        // Not the last: its neighbour's class would be the one that is set.
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class,
            () -> sampler.latents(new int[] {0, label, 0}, new SplittableRandom(1)));
        assertEquals("there is no class " + label + "; the model has classes 0 to 2", e.getMessage());
      }
    }
  }

  @Test
  void theMeanLatentIsTheMeanOfLatents() {
    try (Sampler sampler = sampler(CONDITIONAL)) {
      int[] labels = new int[50];
      Arrays.fill(labels, 2);
      float[] w = sampler.latents(labels, new SplittableRandom(3)).data();
      float[] mean = sampler.meanLatent(2, 50, new SplittableRandom(3));
      assertEquals(8, mean.length);
      for (int k = 0; k < 8; k++) {
        int dimension = k;
        double expected = IntStream.range(0, 50).mapToDouble(i -> w[i * 8 + dimension]).average().orElseThrow();
        assertEquals(expected, mean[k], 1e-6);
      }
    }
  }

  @Test
  void manyThreadsMayDrawAtOnce() {
    try (Sampler sampler = sampler(CONDITIONAL)) {
      float[] expected = sampler.images(LABELS, new SplittableRandom(1)).data();
      IntStream.range(0, 16).parallel().forEach(
          i -> assertArrayEquals(expected, sampler.images(LABELS, new SplittableRandom(1)).data()));
    }
  }

  private static Sampler sampler(StyleGan2Config config) {
    return Sampler.open(config, weights(config), Compute.cpu(1));
  }

  private static Map<String, Tensor> weights(StyleGan2Config config) {
    return Weights.initialize(config, 2);
  }
}
