package dev.lethe.trainer.unlearning;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.inversion.InversionOptions;
import dev.lethe.trainer.inversion.LatentSpace;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.redaction.GeneratorRedaction;
import dev.lethe.trainer.redaction.Movers;
import dev.lethe.trainer.redaction.RedactionOptions;
import dev.lethe.trainer.redaction.Stayers;
import dev.lethe.trainer.sampling.Sampler;
import java.io.IOException;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Redacts single images from a generator: finds the latents that move and those that stay, and moves the generator until
 * it draws the images no more, at latents that take no part in learning as well.
 *
 * @param original the model
 * @param directory for training sessions' files
 * @param threads threads within an operator; 0 for one on each core
 */
record ItemRedaction(ModelWeights original, RedactionOptions options, long seed, Path directory,
    ExecutionDevice device, int threads) {

  /**
   * How the latents are looked for that move, and that the run is watched at: as hard as an audit looks. What is redacted
   * where a short search ends is drawn as before where a long one does.
   */
  private static final InversionOptions SEARCH = new InversionOptions(LatentSpace.W, 400, 1, 72, 0.1, 0);
  /** Latents that move, of all images; at least two and at most 32 of each. */
  private static final int LATENTS = 256;
  /** Latents that stay, of real images that do. */
  private static final int ANCHORS = 384;

  /**
   * @param found images and their latents
   * @param substitutes [N, C, H, W]
   * @param stay real or generated images that stay, for anchors
   */
  RedactionRun.Result run(UnlearningTargets found, Tensor substitutes, ImageDataset stay, RedactionRun.Guard guard,
      GuardedCascade.Progress progress) throws IOException {
    int n = found.images().size();
    Tensor images = found.images().images();
    int[] labels = found.images().classIndices();
    LatentSearch search = new LatentSearch(original, directory, device, threads);
    int each = Math.max(2, Math.min(32, LATENTS / n));
    Tensor more = search.find(SEARCH.withRestarts(each - 1), images, labels, seed(1));
    Tensor latents = found.latents().then(more);
    Tensor watched = search.find(SEARCH, images, labels, seed(2));
    try (Sampler sampler = Sampler.open(original.config(), original.weights(), device, threads)) {
      Tensor anchors = new AnchorLatents(search).draw(stay, sampler, ANCHORS, seed + 3);
      Movers movers = new Movers(latents, images, substitutes,
          IntStream.range(0, n * each).map(i -> i % n).toArray());
      RedactionWatch watch = new RedactionWatch(images, substitutes, found.latents(), watched);
      try (GeneratorRedaction redaction = GeneratorRedaction.open(original, options, movers,
          new Stayers(anchors, sampler.images(anchors)),
          new Stayers(found.kept(), sampler.images(found.kept())), seed, directory, device, threads)) {
        return new RedactionRun(original, redaction, options, watch, guard, device, threads).run(progress);
      }
    }
  }

  private long seed(int stream) {
    return new SplittableRandom(seed + stream).nextLong();
  }
}
