package dev.lethe.trainer.cascade;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/** F, what the discriminator learns to say of unlearned images (arXiv 2308.09881, section 4.1). */
public sealed interface FakeLabel {

  /**
   * What it shall say of each image.
   *
   * @param labels class of each image; 0 for an unconditional model
   */
  float[] of(int[] labels, Teacher teacher, long seed);

  /** The same of every image. */
  record Constant(double value) implements FakeLabel {

    /** The paper's most thorough one. */
    public static final Constant DEFAULT = new Constant(-1);

    @Override
    public float[] of(int[] labels, Teacher teacher, long seed) {
      float[] all = new float[labels.length];
      Arrays.fill(all, (float) value);
      return all;
    }
  }

  /**
   * What the original discriminator says of one of its generator's images, drawn anew for each image and of its class
   * if that class stays. Images that a discriminator has not learned by heart look to it like generated ones (Karras et
   * al. 2020, Training generative adversarial networks with limited data, figure 1), so unlearned images do not stand
   * out among images that the model never saw, which with one value for all of them they would.
   */
  record Auto() implements FakeLabel {

    @Override
    public float[] of(int[] labels, Teacher teacher, long seed) {
      SplittableRandom random = new SplittableRandom(seed);
      float[] drawn = new float[labels.length];
      for (int i = 0; i < labels.length; i++) {
        int label = labels[i];
        int[] same = IntStream.range(0, teacher.size()).filter(k -> teacher.labels()[k] == label).toArray();
        drawn[i] = teacher.judgements().data()[same.length == 0 ? random.nextInt(teacher.size())
            : same[random.nextInt(same.length)]];
      }
      return drawn;
    }
  }
}
