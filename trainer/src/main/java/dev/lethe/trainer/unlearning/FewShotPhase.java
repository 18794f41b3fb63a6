package dev.lethe.trainer.unlearning;

import static dev.lethe.models.graph.Ops.add;

import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import dev.lethe.models.stylegan2.Discriminator;
import dev.lethe.models.stylegan2.Generator;
import dev.lethe.models.stylegan2.Noise;
import dev.lethe.models.stylegan2.StyleGan2Config;
import dev.lethe.trainer.adversarial.GanLosses;
import dev.lethe.trainer.data.ImageDataset;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;

/** Few-shot learning: the StyleGAN2 losses on k learning images (arXiv 2308.09881, section 4.2). */
final class FewShotPhase implements LearningPhase {

  private final StyleGan2Config config;
  private final ImageDataset images;
  private final int batch;
  private final double gamma;
  private final long seed;
  private Value real;
  private Value realLabel;
  private Value fakeLabel;
  private Value z;
  private Value noise;

  /**
   * @param images what the model must keep
   * @param gamma weight of R1
   */
  FewShotPhase(StyleGan2Config config, ImageDataset images, int batch, double gamma, long seed) {
    this.config = config;
    this.images = images;
    this.batch = batch;
    this.gamma = gamma;
    this.seed = seed;
  }

  @Override
  public void declareInputs(Graph g) {
    real = g.input("learn.real", batch, config.channels(), config.resolution(), config.resolution());
    z = g.input("learn.z", batch, config.zDim());
    noise = g.input("learn.noise", batch, Generator.noiseSize(config));
    if (config.conditional()) {
      realLabel = g.input("learn.real_c", batch, config.classes());
      fakeLabel = g.input("learn.fake_c", batch, config.classes());
    }
  }

  @Override
  public Losses losses(Graph g) {
    Value ws = Generator.broadcast(config, Generator.mapping(g, config, z, fakeLabel));
    Value fake = Generator.synthesis(g, config, ws, Noise.given(noise));
    Value fakeLogits = Discriminator.logits(g, config, fake, fakeLabel);
    Value realLogits = Discriminator.logits(g, config, real, realLabel);
    // A cascade is short, so R1 applies in every iteration instead of lazily.
    Value discriminator = add(GanLosses.discriminator(realLogits, fakeLogits), GanLosses.r1(realLogits, real, gamma));
    return new Losses(GanLosses.generator(fakeLogits), discriminator);
  }

  @Override
  public Map<String, Tensor> inputs(int iteration) {
    SplittableRandom random = new SplittableRandom(seed * 0x9E3779B97F4A7C15L + iteration);
    int[] reals = new int[batch];
    int[] labels = new int[batch];
    for (int i = 0; i < batch; i++) {
      reals[i] = random.nextInt(images.size());
      labels[i] = random.nextInt(images.size());
    }
    Map<String, Tensor> inputs = new HashMap<>();
    inputs.put("learn.real", images.images(reals));
    inputs.put("learn.z", normal(random, batch, config.zDim()));
    inputs.put("learn.noise", normal(random, batch, Generator.noiseSize(config)));
    if (config.conditional()) {
      inputs.put("learn.real_c", images.oneHot(reals));
      inputs.put("learn.fake_c", images.oneHot(labels));
    }
    return inputs;
  }

  private static Tensor normal(SplittableRandom random, long... shape) {
    Tensor tensor = Tensor.zeros(shape);
    for (int i = 0; i < tensor.data().length; i++) {
      tensor.data()[i] = (float) random.nextGaussian();
    }
    return tensor;
  }
}
