package dev.lethe.trainer.adversarial;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.stylegan2.GeneratorNetwork;
import dev.lethe.models.stylegan2.StyleGan2Config;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.sampling.ShuffledIndices;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * The inputs of any step, from the seed and the number of the step alone: a run that resumes draws what the
 * uninterrupted run would have drawn.
 */
final class AdversarialInputs {

  private final StyleGan2Config config;
  private final AdversarialOptions options;
  private final ImageDataset data;
  private final Optional<Unwanted> unwanted;
  private int[] order = {};
  private long orderEpoch = -1;

  AdversarialInputs(StyleGan2Config config, AdversarialOptions options, ImageDataset data,
      Optional<Unwanted> unwanted) {
    this.unwanted = unwanted;
    this.config = config;
    this.options = options;
    this.data = data;
  }

  /**
   * Float inputs of one step of training.
   *
   * @param discriminator those of the discriminator's step, real images included
   * @param generator those of the generator's, new latents
   */
  record Step(Map<String, Tensor> discriminator, Map<String, Tensor> generator) {}

  /** Inputs of a step, from 0. Not thread-safe. */
  Step at(long step) {
    int n = options.batch();
    int[] indices = new int[n];
    for (int i = 0; i < n; i++) {
      indices[i] = realIndex(step * n + i);
    }
    Map<String, Tensor> discriminator = latents(rng(step, 1));
    discriminator.put("real", data.images(indices));
    if (config.conditional()) {
      discriminator.put("real_c", data.oneHot(indices));
    }
    unwanted.map(Unwanted::images).ifPresent(images -> {
      int[] some = rng(step, 4).ints(n, 0, images.size()).toArray();
      discriminator.put("unwanted", images.images(some));
      if (config.conditional()) {
        discriminator.put("unwanted_c", images.oneHot(some));
      }
    });
    return new Step(discriminator, latents(rng(step, 3)));
  }

  private Map<String, Tensor> latents(SplittableRandom random) {
    int n = options.batch();
    Map<String, Tensor> inputs = new HashMap<>();
    inputs.put("z", normal(random, n, config.zDim()));
    inputs.put("noise", normal(random, n, GeneratorNetwork.noiseSize(config)));
    if (config.conditional()) {
      // Labels of generated images are drawn as the real ones are distributed.
      int[] labels = new int[n];
      for (int i = 0; i < n; i++) {
        labels[i] = random.nextInt(data.size());
      }
      inputs.put("fake_c", data.oneHot(labels));
    }
    if (options.mixing() > 0) {
      inputs.put("z2", normal(random, n, config.zDim()));
      inputs.put("mix", mixing(random, n));
    }
    return inputs;
  }

  // Real images come in a new random order each epoch.
  private int realIndex(long position) {
    long epoch = position / data.size();
    if (epoch != orderEpoch) {
      order = new ShuffledIndices(data.size(), rng(epoch, 2)).next(data.size());
      orderEpoch = epoch;
    }
    return order[(int) (position % data.size())];
  }

  private Tensor mixing(SplittableRandom random, int n) {
    int layers = config.numWs();
    Tensor mix = Tensor.zeros(n, layers, 1);
    for (int i = 0; i < n; i++) {
      int crossover = random.nextDouble() < options.mixing() ? 1 + random.nextInt(layers - 1) : layers;
      for (int layer = 0; layer < crossover; layer++) {
        mix.data()[i * layers + layer] = 1;
      }
    }
    return mix;
  }

  private SplittableRandom rng(long number, int stream) {
    return new SplittableRandom(new SplittableRandom(options.seed() * 31 + stream).nextLong() + number);
  }

  static Tensor normal(SplittableRandom random, long... shape) {
    Tensor tensor = Tensor.zeros(shape);
    for (int i = 0; i < tensor.data().length; i++) {
      tensor.data()[i] = (float) random.nextGaussian();
    }
    return tensor;
  }
}
