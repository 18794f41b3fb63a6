package dev.lethe.trainer.unlearning;

import dev.lethe.models.graph.Tensor;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.sampling.LatentRegression;
import dev.lethe.trainer.sampling.Sampler;
import java.io.IOException;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Latents such as inversion finds for real images, which lie farther out than those of the mapping network. Some are
 * found; the others are drawn from the normal distribution of these around the means of their classes, which costs
 * nothing and holds the generator as well.
 */
record AnchorLatents(LatentSearch search, SearchOptions how) {

  /** Latents that the mean of a class is taken over. */
  private static final int OF_MEAN = 500;

  /**
   * @param stay real or generated images that stay, one or more
   * @param sampler of the original
   * @param n latents wanted, as many as are looked for or more
   * @return w [n, w_dim]; of a single image [1, w_dim], for there is nothing to draw others by
   */
  Tensor draw(ImageDataset stay, Sampler sampler, int n, long seed) throws IOException {
    ImageDataset some = stay.subset(IntStream.range(0, Math.min(how.inverted(), stay.size())).toArray());
    SplittableRandom random = new SplittableRandom(seed);
    Tensor found = search.find("anchors", how.staying(), some.images(), some.classIndices(), random.nextLong());
    if (some.size() == 1) {
      return found;
    }
    int[] labels = search.original().config().conditional() ? some.classIndices() : new int[some.size()];
    Tensor means = Tensor.zeros(some.size(), sampler.wDim());
    for (int label : Arrays.stream(labels).distinct().toArray()) {
      float[] mean = sampler.meanLatent(label, OF_MEAN, random.split());
      IntStream.range(0, labels.length).filter(i -> labels[i] == label)
          .forEach(i -> System.arraycopy(mean, 0, means.data(), i * mean.length, mean.length));
    }
    int[] classes = IntStream.range(0, n - some.size()).map(i -> i % labels.length).toArray();
    Tensor deviations = LatentRegression.alike(sum(found, means, -1), classes.length, random.split());
    return found.then(sum(means.rows(classes), deviations, 1));
  }

  private static Tensor sum(Tensor a, Tensor b, float times) {
    float[] sum = new float[a.data().length];
    for (int i = 0; i < sum.length; i++) {
      sum[i] = a.data()[i] + times * b.data()[i];
    }
    return new Tensor(a.shape(), sum);
  }
}
