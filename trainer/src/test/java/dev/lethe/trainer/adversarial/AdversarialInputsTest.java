package dev.lethe.trainer.adversarial;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.stylegan2.GeneratorNetwork;
import dev.lethe.models.stylegan2.StyleGan2Config;
import dev.lethe.trainer.data.ImageDataset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class AdversarialInputsTest {

  private static final int BATCH = 4;
  private static final StyleGan2Config CONDITIONAL = new StyleGan2Config(32, 1, 2, 6, 8, 1, 64, 4);
  private static final StyleGan2Config UNCONDITIONAL = new StyleGan2Config(32, 1, 0, 6, 8, 1, 64, 4);
  private static final ImageDataset DATA = Shades.dataset(10);

  @Test
  void aStepHasTheSameInputsInWhateverOrderTheyAreAskedFor() {
    AdversarialInputs forwards = inputs(CONDITIONAL, 0.5, 1);
    List<AdversarialInputs.Step> steps = IntStream.range(0, 8).mapToObj(forwards::at).toList();
    AdversarialInputs backwards = inputs(CONDITIONAL, 0.5, 1);
    for (int step = 7; step >= 0; step--) {
      AdversarialInputs.Step again = backwards.at(step);
      assertSame(steps.get(step).discriminator(), again.discriminator());
      assertSame(steps.get(step).generator(), again.generator());
    }
  }

  private static void assertSame(Map<String, Tensor> expected, Map<String, Tensor> actual) {
    assertEquals(expected.keySet(), actual.keySet());
    expected.forEach((name, tensor) -> {
      assertArrayEquals(tensor.shape(), actual.get(name).shape(), name);
      assertArrayEquals(tensor.data(), actual.get(name).data(), name);
    });
  }

  @Test
  void latentsDifferByStepNetworkAndSeed() {
    Set<Float> firsts = new TreeSet<>();
    for (long seed = 0; seed < 3; seed++) {
      AdversarialInputs inputs = inputs(UNCONDITIONAL, 1, seed);
      for (int step = 0; step < 20; step++) {
        for (Map<String, Tensor> part : List.of(inputs.at(step).discriminator(), inputs.at(step).generator())) {
          firsts.add(part.get("z").data()[0]);
          firsts.add(part.get("z2").data()[0]);
          firsts.add(part.get("noise").data()[0]);
        }
      }
    }
    assertEquals(3 * 20 * 2 * 3, firsts.size());
  }

  @Test
  void anEpochShowsEachImageOnceWithItsClassInAnOrderOfItsOwn() {
    AdversarialInputs inputs = inputs(CONDITIONAL, 0, 1);
    // Two epochs of 10 images, in 5 steps of 4: the third step is of both.
    List<Integer> shown = new ArrayList<>();
    for (int step = 0; step < 5; step++) {
      Map<String, Tensor> discriminator = inputs.at(step).discriminator();
      for (int i = 0; i < BATCH; i++) {
        int size = DATA.imageSize();
        int image = indexOf(Arrays.copyOfRange(discriminator.get("real").data(), i * size, (i + 1) * size));
        shown.add(image);
        assertEquals(1, discriminator.get("real_c").data()[i * 2 + DATA.label(image)]);
        assertEquals(0, discriminator.get("real_c").data()[i * 2 + 1 - DATA.label(image)]);
      }
    }
    List<Integer> all = IntStream.range(0, 10).boxed().toList();
    assertEquals(all, shown.subList(0, 10).stream().sorted().toList());
    assertEquals(all, shown.subList(10, 20).stream().sorted().toList());
    assertNotEquals(all, shown.subList(0, 10));
    assertNotEquals(shown.subList(0, 10), shown.subList(10, 20));
  }

  private static int indexOf(float[] image) {
    return IntStream.range(0, DATA.size()).filter(i -> Arrays.equals(DATA.images(i).data(), image)).findFirst()
        .orElseThrow();
  }

  @Test
  void theInputsAreThoseThatTheGraphTakes() {
    Map<String, Tensor> plain = inputs(UNCONDITIONAL, 0, 1).at(0).discriminator();
    assertEquals(Set.of("real", "z", "noise"), plain.keySet());
    assertArrayEquals(new long[] {BATCH, 1, 32, 32}, plain.get("real").shape());
    assertArrayEquals(new long[] {BATCH, 6}, plain.get("z").shape());
    assertArrayEquals(new long[] {BATCH, GeneratorNetwork.noiseSize(UNCONDITIONAL)}, plain.get("noise").shape());
    assertEquals(Set.of("z", "noise"), inputs(UNCONDITIONAL, 0, 1).at(0).generator().keySet());

    AdversarialInputs.Step step = inputs(CONDITIONAL, 0.5, 1).at(0);
    assertEquals(Set.of("real", "real_c", "z", "noise", "fake_c", "z2", "mix"), step.discriminator().keySet());
    assertEquals(Set.of("z", "noise", "fake_c", "z2", "mix"), step.generator().keySet());
    assertArrayEquals(new long[] {BATCH, CONDITIONAL.numWs(), 1}, step.generator().get("mix").shape());
  }

  @Test
  void latentsAreStandardNormal() {
    AdversarialInputs inputs = inputs(UNCONDITIONAL, 0, 1);
    double sum = 0;
    double squares = 0;
    int n = 0;
    for (int step = 0; step < 10; step++) {
      for (float value : inputs.at(step).generator().get("noise").data()) {
        sum += value;
        squares += value * value;
        n++;
      }
    }
    // Four standard errors.
    assertEquals(0, sum / n, 4 / Math.sqrt(n));
    assertEquals(1, squares / n, 4 * Math.sqrt(2.0 / n));
  }

  @Test
  void labelsOfGeneratedImagesAreDistributedAsThoseOfRealOnes() {
    // Eight dark images and two bright ones.
    ImageDataset uneven = DATA.subset(0, 2, 4, 6, 8, 0, 2, 4, 1, 3);
    AdversarialInputs inputs = new AdversarialInputs(CONDITIONAL, options(0, 1), uneven, Optional.empty());
    double bright = 0;
    int n = 0;
    for (int step = 0; step < 200; step++) {
      float[] labels = inputs.at(step).generator().get("fake_c").data();
      for (int i = 0; i < BATCH; i++) {
        assertEquals(1, labels[2 * i] + labels[2 * i + 1]);
        bright += labels[2 * i + 1];
        n++;
      }
    }
    assertEquals(0.2, bright / n, 0.06);
  }

  /** The first w serves from the first layer on, and at least that one; the second to the end, or none. */
  @Test
  void stylesMixWithTheGivenProbabilityFromARandomLayerOn() {
    int layers = CONDITIONAL.numWs();
    AdversarialInputs inputs = inputs(CONDITIONAL, 0.5, 1);
    int[] crossovers = new int[layers + 1];
    for (int step = 0; step < 200; step++) {
      float[] mix = inputs.at(step).generator().get("mix").data();
      for (int i = 0; i < BATCH; i++) {
        int crossover = 0;
        while (crossover < layers && mix[i * layers + crossover] == 1) {
          crossover++;
        }
        for (int layer = crossover; layer < layers; layer++) {
          assertEquals(0, mix[i * layers + layer]);
        }
        crossovers[crossover]++;
      }
    }
    assertEquals(0, crossovers[0]);
    assertEquals(0.5, crossovers[layers] / 800.0, 0.08);
    for (int layer = 1; layer < layers; layer++) {
      assertEquals(0.5 / (layers - 1), crossovers[layer] / 800.0, 0.04, "from layer " + layer);
    }
    for (float kept : inputs(CONDITIONAL, 1e-9, 1).at(0).generator().get("mix").data()) {
      assertEquals(1, kept);
    }
    float[] always = inputs(CONDITIONAL, 1, 1).at(0).generator().get("mix").data();
    for (int i = 0; i < BATCH; i++) {
      assertEquals(0, always[(i + 1) * layers - 1]);
    }
  }

  @Test
  void anotherSeedShowsTheImagesInAnotherOrder() {
    assertFalse(Arrays.equals(inputs(UNCONDITIONAL, 0, 1).at(0).discriminator().get("real").data(),
        inputs(UNCONDITIONAL, 0, 2).at(0).discriminator().get("real").data()));
  }

  private static AdversarialInputs inputs(StyleGan2Config config, double mixing, long seed) {
    return new AdversarialInputs(config, options(mixing, seed), DATA, Optional.empty());
  }

  private static AdversarialOptions options(double mixing, long seed) {
    return new AdversarialOptions(BATCH, 1, 0.002, 0, 0.1, 16, 0, 1, mixing, seed);
  }
}
