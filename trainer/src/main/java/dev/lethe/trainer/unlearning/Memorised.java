package dev.lethe.trainer.unlearning;

import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.metrics.NearestSamples;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.sampling.Sampler;
import dev.lethe.trainer.substitution.NearestSubstitute;
import dev.lethe.models.runtime.Compute;
import java.util.stream.IntStream;

/**
 * Finds the images that a generator draws by itself: some of its samples come far nearer to them than any other real
 * image does, which by chance they do not (extraction attacks on diffusion models go by the same: Carlini et al. 2023,
 * arXiv 2301.13188). Most generators have memorised nothing.
 */
record Memorised(ModelWeights model, long seed, Compute compute) {

  private static final int SAMPLES = 5_000;
  /** Values of the feature maps of all samples together, so that a large model's are fewer. */
  private static final long VALUES = 1L << 31;
  /**
   * Squared distance of the nearest sample, as a part of that of the nearest other real image, from which on an image
   * counts. Of 64 digits that a generator never saw the least was 0.8.
   */
  private static final double NEAR = 0.5;

  /**
   * How many of the images are drawn.
   *
   * @param stay other real images; of classes that have none, nothing is known
   */
  int of(ImageDataset images, ImageDataset stay) {
    int[] labels = images.classIndices();
    double[] others = NearestSubstitute.nearest(images.images(), labels, stay);
    int samples = (int) Math.max(1, Math.min(SAMPLES, VALUES / model.config().activationValues()));
    try (Sampler sampler = Sampler.open(model.config(), model.weights(), compute)) {
      double[] errors =
          NearestSamples.errors(sampler, images.images(), labels, model.config().classes(), samples, seed);
      return (int) IntStream.range(0, labels.length)
          .filter(i -> Double.isFinite(others[i]) && errors[i] <= NEAR * others[i] * others[i]).count();
    }
  }
}
