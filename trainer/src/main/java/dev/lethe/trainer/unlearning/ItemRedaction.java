package dev.lethe.trainer.unlearning;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.Compute;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.metrics.PixelDistance;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.redaction.GeneratorRedaction;
import dev.lethe.trainer.redaction.Movers;
import dev.lethe.trainer.redaction.RedactionOptions;
import dev.lethe.trainer.redaction.Stayers;
import dev.lethe.trainer.resume.ResumePoints;
import dev.lethe.trainer.sampling.Sampler;
import dev.lethe.trainer.substitution.NearestSubstitute;
import java.io.IOException;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Redacts single images from a generator: finds the latents that move and those that stay, and moves the generator
 * until it draws the images no more, at latents that take no part in learning as well.
 *
 * @param original the model; what it draws elsewhere stays, or comes back
 * @param start what moves: the original, or what has been made of it because it had memorised the images
 * @param how latents are looked for
 * @param resume what is found is kept here, and how far the run is
 * @param directory for training sessions' files
 */
record ItemRedaction(ModelWeights root, ModelWeights original, ModelWeights start, RedactionOptions options,
    SearchOptions how, long seed, ResumePoints resume, Path directory, Compute compute) {

  /** Latents of an image that move. */
  private static final int LEAST = 2;
  private static final int MOST = 32;
  /**
   * Distance from a memorised image up to which a picture does not come back, as a multiple of that to the nearest
   * other real image. What the generator drew of the image is not only the image: nearer to it than substitutes are,
   * samples still crowd.
   */
  private static final double NEAR = 1.7;

  /**
   * @param found images and their latents
   * @param substitutes [N, C, H, W]
   * @param stay real or generated images that stay, for anchors
   * @param others real images that stay, by which it is told what is too near to an image to stay
   */
  RedactionRun.Result run(UnlearningTargets found, Tensor substitutes, ImageDataset stay, ImageDataset others,
      RedactionRun.Guard guard, GuardedCascade.Progress progress) throws IOException {
    int n = found.images().size();
    Tensor images = found.images().images();
    int[] labels = found.images().classIndices();
    LatentSearch search = new LatentSearch(original, resume, directory, compute);
    LatentSearch searchNow = new LatentSearch(start, resume, directory, compute);
    int each = Math.max(LEAST, Math.min(MOST, how.moving() / n));
    Tensor more = search.find("moving", how.images().withRestarts(each - 1), images, labels, seed(1));
    Tensor latents = found.latents().then(more);
    if (start != original) {
      latents = latents.then(searchNow.find("moving-now", how.images().withRestarts(each), images, labels, seed(4)));
    }
    Tensor watched = searchNow.find("watched", how.images(), images, labels, seed(2));
    try (Sampler sampler = Sampler.open(original.config(), original.weights(), compute)) {
      // Its root holds what has been trained away as well.
      StayingPictures staying = new StayingPictures(start == original ? root : original, original, compute);
      Tensor anchors = new AnchorLatents(new LatentSearch(staying.root(), resume, directory, compute), how)
          .draw(stay, sampler, Math.max(how.anchors(), staying.lookedThrough()), seed + 3);
      Movers movers = new Movers(latents, images, substitutes,
          IntStream.range(0, (int) latents.shape()[0]).map(i -> i % n).toArray());
      RedactionWatch watch = new RedactionWatch(images, substitutes, found.latents(), watched);
      Stayers anchored = staying.at(anchors.rows(0, how.anchors()));
      Stayers kept = kept(found, staying.at(found.kept()), others);
      if (staying.redactedBefore()) {
        anchored = anchored.then(staying.redacted(anchors));
        kept = kept.then(staying.redacted(seed(5)));
      }
      try (GeneratorRedaction redaction = GeneratorRedaction.open(start, options, movers, anchored, kept, seed, resume,
          directory, compute)) {
        return new RedactionRun(start, redaction, options, staying.redactedBefore(), watch, guard, resume, compute)
            .run(progress);
      }
    }
  }

  /** What is drawn at latents that stay; where that is one of the images, what has been made of it. */
  private Stayers kept(UnlearningTargets found, Stayers staying, ImageDataset others) {
    if (start == original) {
      return staying;
    }
    Tensor pictures = staying.images();
    int[] labels = found.images().classIndices();
    Tensor images = found.images().images();
    double[] least = NearestSubstitute.nearest(images, labels, others);
    Tensor now;
    try (Sampler made = Sampler.open(start.config(), start.weights(), compute)) {
      now = made.images(found.kept());
    }
    float[] mixed = pictures.data().clone();
    int size = mixed.length / found.keptLabels().length;
    for (int k = 0; k < found.keptLabels().length; k++) {
      for (int i = 0; i < labels.length; i++) {
        double near = NEAR * least[i];
        if (labels[i] == found.keptLabels()[k]
            && PixelDistance.squared(pictures, k, images, i) < near * near * size) {
          System.arraycopy(now.data(), k * size, mixed, k * size, size);
          break;
        }
      }
    }
    return new Stayers(staying.latents(), new Tensor(pictures.shape(), mixed));
  }

  private long seed(int stream) {
    return new SplittableRandom(seed + stream).nextLong();
  }
}
