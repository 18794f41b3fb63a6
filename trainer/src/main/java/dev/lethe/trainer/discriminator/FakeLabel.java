package dev.lethe.trainer.discriminator;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/** F, what the discriminator learns to say of unlearned images (arXiv 2308.09881, section 4.1). */
public sealed interface FakeLabel {

  /**
   * What it shall say of each image.
   *
   * @param labels class of each image; 0 for an unconditional model
   * @param judgements of images that the discriminator has not learned, one or more; made where they are needed
   */
  float[] of(int[] labels, Supplier<Logits> judgements, long seed);

  /** The same of every image. */
  record Constant(double value) implements FakeLabel {

    /** The paper's most thorough one. */
    public static final Constant DEFAULT = new Constant(-1);

    @Override
    public float[] of(int[] labels, Supplier<Logits> judgements, long seed) {
      float[] all = new float[labels.length];
      Arrays.fill(all, (float) value);
      return all;
    }
  }

  /**
   * What the discriminator usually says: one of its judgements for each image, of the image's class where there is one.
   * So unlearned images do not stand out among images that it never saw, which with one value for all of them they
   * would.
   */
  record Auto() implements FakeLabel {

    @Override
    public float[] of(int[] labels, Supplier<Logits> judgements, long seed) {
      Logits usual = judgements.get();
      SplittableRandom random = new SplittableRandom(seed);
      float[] drawn = new float[labels.length];
      for (int i = 0; i < labels.length; i++) {
        int label = labels[i];
        int[] same = IntStream.range(0, usual.labels().length).filter(k -> usual.labels()[k] == label).toArray();
        drawn[i] = usual.logits()[same.length == 0 ? random.nextInt(usual.labels().length)
            : same[random.nextInt(same.length)]];
      }
      return drawn;
    }
  }
}
