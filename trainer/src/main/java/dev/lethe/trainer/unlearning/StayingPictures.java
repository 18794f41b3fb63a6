package dev.lethe.trainer.unlearning;

import dev.lethe.models.graph.Tensor;
import dev.lethe.trainer.features.ModelRunner;
import dev.lethe.trainer.metrics.PixelDistance;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.redaction.Stayers;
import java.util.Comparator;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * What a generator is to go on drawing. Of a model that has unlearned before, that is what its root draws: each job
 * moves other pictures a little along with its own, and if every job took what it found for what stays, this would add
 * up from job to job. Where model and root draw something else altogether an earlier job has redacted what the root
 * draws, and there the model's own picture stays. So a set that was unlearned is carried forward by the difference of
 * two versions alone: neither its images nor latents that draw them are kept.
 *
 * @param root the version that no unlearning has touched; the model itself where it is that
 * @param model what is to unlearn
 * @param most latents of a kind that are looked through for earlier redactions, where pictures are small
 */
record StayingPictures(ModelWeights root, ModelWeights model, int most, ModelRunner runner) {

  /** Values of the pictures that are looked through at most, 256 MiB. */
  private static final int VALUES = 1 << 26;
  /** Latents of a kind at which earlier redactions are held, at most. */
  private static final int HELD = 2048;
  /** Pictures among which a picture's nearest neighbour is looked for. */
  private static final int NEIGHBOURS = 256;
  /**
   * Distance of the two pictures up to which the root's stays, as a share of that to the nearest neighbour. One job
   * moves most of what stays by less, and what it redacts by 1 about. Found by trial on digits: by 0.45 a second job
   * brings back more of the first one's images.
   */
  private static final double SAME = 0.31;

  /** Whether earlier jobs have redacted something. */
  boolean redactedBefore() {
    return root != model;
  }

  /** @param latents w, [N, w_dim] */
  Stayers at(Tensor latents) {
    Tensor own = draw(model, latents);
    if (!redactedBefore()) {
      return new Stayers(latents, own);
    }
    Tensor first = draw(root, latents);
    double[] moved = moved(own, first);
    float[] staying = own.data().clone();
    int size = staying.length / moved.length;
    for (int i = 0; i < moved.length; i++) {
      if (moved[i] == 0) {
        System.arraycopy(first.data(), i * size, staying, i * size, size);
      }
    }
    return new Stayers(latents, new Tensor(own.shape(), staying));
  }

  /** Latents of the root's mapping network, all labels alike, at which earlier jobs have redacted what it draws. */
  Stayers redacted(long seed) {
    int classes = Math.max(1, root.config().classes());
    int[] labels = IntStream.range(0, lookedThrough()).map(i -> i % classes).toArray();
    return redacted(runner.sampler(root).latents(labels, new SplittableRandom(seed)));
  }

  /**
   * Of other latents those at which earlier jobs have redacted what the root draws, the farthest moved of them.
   *
   * @param latents w, {@link #lookedThrough} of them, [N, w_dim]
   */
  Stayers redacted(Tensor latents) {
    Tensor own = draw(model, latents);
    double[] moved = moved(own, draw(root, latents));
    int[] held = IntStream.range(0, moved.length).filter(i -> moved[i] > 0).boxed()
        .sorted(Comparator.comparingDouble(i -> -moved[i])).limit(HELD).mapToInt(i -> i).toArray();
    return new Stayers(latents.rows(held), own.rows(held));
  }

  /** How many latents of a kind are looked through for earlier redactions; none where there are none. */
  int lookedThrough() {
    if (!redactedBefore()) {
      return 0;
    }
    return Math.max(1, Math.min(most, VALUES / runner.sampler(model).imageSize()));
  }

  /**
   * Distance of each picture from the root's, as a share of that of the root's from its nearest neighbour; 0 where it
   * is at most {@link #SAME}.
   */
  private static double[] moved(Tensor own, Tensor first) {
    int n = (int) own.shape()[0];
    return IntStream.range(0, n).mapToDouble(i -> {
      double distance = PixelDistance.squared(own, i, first, i);
      double same = distance / (SAME * SAME);
      double nearest = same;
      for (int k = 0; k < Math.min(n, NEIGHBOURS); k++) {
        if (k != i) {
          nearest = Math.min(nearest, PixelDistance.squaredBelow(nearest, first, i, first, k));
        }
      }
      return nearest < same ? Math.sqrt(distance / nearest) : 0;
    }).toArray();
  }

  private Tensor draw(ModelWeights weights, Tensor latents) {
    return runner.sampler(weights).images(latents);
  }
}
