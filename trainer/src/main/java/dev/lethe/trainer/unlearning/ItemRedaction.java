package dev.lethe.trainer.unlearning;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.Compute;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.features.ModelRunner;
import dev.lethe.trainer.metrics.PixelDistance;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.redaction.GeneratorRedaction;
import dev.lethe.trainer.redaction.Movers;
import dev.lethe.trainer.redaction.RedactionOptions;
import dev.lethe.trainer.redaction.Stayers;
import dev.lethe.trainer.resume.ResumePoints;
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
  private static final int LEAST = 4;
  private static final int MOST = 32;
  /**
   * Distance from a memorised image up to which a picture does not come back, as a multiple of that to the nearest
   * other real image. What the generator drew of the image is not only the image: nearer to it than substitutes are,
   * samples still crowd.
   */
  private static final double NEAR = 1.7;
  /** Times as many anchors of a model that has unlearned before. */
  private static final int LATER_ANCHORS = 4;

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
    Movers movers = new Movers(latents, images, substitutes,
        IntStream.range(0, (int) latents.shape()[0]).map(i -> i % n).toArray());
    RedactionWatch watch = new RedactionWatch(images, substitutes, found.latents(), watched);
    Staying staying = staying(found, stay, others);
    RedactionOptions now = staying.laterJob ? options.forLaterJob() : options;
    try (GeneratorRedaction redaction = GeneratorRedaction.open(start, now, movers, staying.anchors, staying.random,
        seed, resume, directory, compute)) {
      return new RedactionRun(start, redaction, now, staying.laterJob, watch, guard, resume, compute)
          .run(progress);
    }
  }

  /**
   * What stays.
   *
   * @param anchors latents of real images
   * @param random latents of the mapping network
   * @param laterJob earlier jobs have redacted something
   */
  private record Staying(Stayers anchors, Stayers random, boolean laterJob) {}

  private Staying staying(UnlearningTargets found, ImageDataset stay, ImageDataset others) throws IOException {
    try (ModelRunner runner = new ModelRunner(compute)) {
      // Where memorised images were trained away, the root is no standard: it still draws them.
      StayingPictures staying = new StayingPictures(start == original ? root : original, original,
          how.lookedThrough(), runner);
      Tensor anchors = new AnchorLatents(new LatentSearch(staying.root(), resume, directory, compute), how)
          .draw(stay, runner.sampler(original), Math.max(how.anchors(), staying.lookedThrough()), seed + 3);
      Stayers anchored = staying.at(anchors.first((staying.redactedBefore() ? LATER_ANCHORS : 1) * how.anchors()));
      Stayers kept = staying.at(found.kept());
      if (start != original) {
        kept = mixed(found, kept, runner.sampler(start).images(found.kept()), others);
      }
      if (staying.redactedBefore()) {
        anchored = anchored.then(staying.redacted(anchors));
        kept = kept.then(staying.redacted(seed(5)));
      }
      return new Staying(anchored, kept, staying.redactedBefore());
    }
  }

  /**
   * What the original draws at latents that stay; where that is one of the images, what has been made of it.
   *
   * @param now what the generator that moves draws there, [N, C, H, W]
   */
  private static Stayers mixed(UnlearningTargets found, Stayers staying, Tensor now, ImageDataset others) {
    Tensor pictures = staying.images();
    int[] labels = found.images().classIndices();
    Tensor images = found.images().images();
    double[] least = NearestSubstitute.nearest(images, labels, others);
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
