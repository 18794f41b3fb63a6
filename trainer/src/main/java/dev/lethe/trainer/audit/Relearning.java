package dev.lethe.trainer.audit;

import static dev.lethe.models.graph.Ops.mean;
import static dev.lethe.models.graph.Ops.square;
import static dev.lethe.models.graph.Ops.sub;

import dev.lethe.models.architecture.Networks;
import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import dev.lethe.models.runtime.Compute;
import dev.lethe.trainer.audit.Relearned.Attack;
import dev.lethe.trainer.audit.Relearned.Attackers;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.sampling.Sampler;
import dev.lethe.trainer.sampling.ShuffledIndices;
import dev.lethe.trainer.session.AdamOptions;
import dev.lethe.trainer.session.Learner;
import dev.lethe.trainer.session.TrainingObjective;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Attackers who have a generator's weights and train it on, to bring back what it has unlearned (relearn time: Golatkar
 * et al. 2020, arXiv 1911.04933; by what stays alone: Siddiqui et al. 2025, arXiv 2505.22310; by a few of what was
 * unlearned: Hu et al. 2024, arXiv 2406.13356). They fit the synthesis network to real images x, at latents w where it
 * draws them best, by
 *
 * <pre>mean of ‖G(w) − x‖² over a batch</pre>
 *
 * <p>One has images that stay alone. Another has one to four of the unlearned images as well, all of which it has
 * in every batch. Neither has the original, so that neither knows where that drew an image. Every {@value #EVERY}
 * steps the audit looks at the latents v where the <em>original</em> draws the other unlearned images, which it
 * has found itself: an image x with the substitute s is back if ‖G(v) − x‖ ≤ ‖G(v) − s‖, and close if ‖G(v) − x‖
 * &lt; ‖x' − x‖, where x' is its nearest other real image. Looking for other latents in the fine-tuned network
 * each time would take too long; what such a search finds in the candidate is another figure, {@link
 * ItemFindings#candidate}.
 *
 * @param model that is attacked
 * @param steps that each attacker takes
 * @param directory for training sessions' files
 */
record Relearning(ModelWeights model, int steps, long seed, Path directory, Compute compute) {

  /** Steps between looks. */
  static final int EVERY = 10;
  /** Most unlearned images that an attacker has. */
  private static final int MOST_GIVEN = 4;
  private static final int BATCH = 32;
  /** Values of the feature maps of the images of one step at most: with gradients some GiB. */
  private static final long VALUES = 1L << 27;
  /** On MNIST rates from 0.0005 to 0.01, and a β1 of 0, brought back as much. */
  private static final AdamOptions ADAM = new AdamOptions(0.002f, 0.9f, 0.99f, 1e-8f, 0);

  /**
   * Images, and latents that draw them in the model.
   *
   * @param w [N, w_dim]
   * @param images [N, C, H, W]
   */
  record Pairs(Tensor w, Tensor images) {

    int size() {
      return (int) images.shape()[0];
    }

    Pairs at(int... rows) {
      return new Pairs(w.rows(rows), images.rows(rows));
    }

    Pairs then(Pairs next) {
      return new Pairs(w.then(next.w), images.then(next.images));
    }
  }

  /**
   * What the audit looks at: images, where the original draws them, and what was to take their place.
   *
   * @param w [N, w_dim]
   * @param images [N, C, H, W]
   * @param substitutes [N, C, H, W]
   * @param nearestOther root mean squared distance of each image from its nearest other real image
   */
  record Watched(Tensor w, Tensor images, Tensor substitutes, double[] nearestOther) {

    Watched at(int... rows) {
      return new Watched(w.rows(rows), images.rows(rows), substitutes.rows(rows),
          Arrays.stream(rows).mapToDouble(i -> nearestOther[i]).toArray());
    }
  }

  /** Of each image that is looked at, whether it is back, and whether it is close. */
  private record Look(boolean[] back, boolean[] close) {

    boolean half() {
      return 2 * IntStream.range(0, back.length).filter(i -> back[i]).count() >= back.length;
    }
  }

  /**
   * Lets both attack.
   *
   * @param staying images that stay, one or more
   * @param unlearned images that were unlearned, one or more
   * @param watched the same images where the original draws them
   * @param unseen images that it never saw; nothing was unlearned of them
   */
  Attackers run(Pairs staying, Pairs unlearned, Watched watched, Optional<Watched> unseen,
      ItemAudit.Progress progress) throws IOException {
    SplittableRandom random = new SplittableRandom(seed);
    int n = unlearned.size();
    int[] order = new ShuffledIndices(n, random.split()).next(n);
    int given = n < 2 * MOST_GIVEN ? n / 2 : MOST_GIVEN;
    double parts = given == 0 ? 1 : 2;
    Attack alone = attack(staying, Optional.empty(), watched, unseen, random.split(),
        share -> progress.done(share / parts));
    if (given == 0) {
      return new Attackers(alone, Optional.empty());
    }
    return new Attackers(alone, Optional.of(attack(staying,
        Optional.of(unlearned.at(Arrays.copyOf(order, given))), watched.at(Arrays.copyOfRange(order, given, n)),
        unseen, random.split(), share -> progress.done(0.5 + share / 2))));
  }

  private Attack attack(Pairs staying, Optional<Pairs> given, Watched watched, Optional<Watched> unseen,
      SplittableRandom random, ItemAudit.Progress progress) throws IOException {
    int images = given.map(Pairs::size).orElse(0);
    int batch = (int) Math.max(images + 1, Math.min(BATCH, VALUES / model.config().activationValues()));
    ShuffledIndices order = new ShuffledIndices(staying.size(), random);
    Look before = look(model, watched);
    Look now = before;
    OptionalInt succeeded = before.half() ? OptionalInt.of(0) : OptionalInt.empty();
    ModelWeights tuned = model;
    try (Learner learner = Learner.open(objective(batch), model.weights(), ADAM, directory.resolve("relearning"),
        Optional.empty(), compute)) {
      for (int step = 1; step <= steps; step++) {
        Pairs stay = staying.at(order.next(batch - images));
        Pairs all = given.map(some -> some.then(stay)).orElse(stay);
        learner.step(Map.of("w", all.w, "image", all.images), Map.of());
        if (step % EVERY == 0 || step == steps) {
          tuned = model.with(learner.parameters());
          now = look(tuned, watched);
          if (succeeded.isEmpty() && now.half()) {
            succeeded = OptionalInt.of(step);
          }
        }
        progress.done((double) step / steps);
      }
    }
    ModelWeights last = tuned;
    return new Attack(images, succeeded, shares(before.back, now.back), shares(before.close, now.close),
        unseen.map(never -> shares(look(model, never).back, look(last, never).back)));
  }

  private TrainingObjective objective(int batch) {
    Networks config = model.config();
    Graph g = new Graph("relearning");
    Value drawn = config.synthesis(g, config.broadcast(g.input("w", batch, config.wDim())));
    Value loss = mean(square(sub(drawn, g.input("image", drawn.shape()))));
    g.output("loss", loss);
    return TrainingObjective.descent(g, loss, config::isSynthesis);
  }

  private Look look(ModelWeights tuned, Watched watched) {
    try (Sampler sampler = Sampler.open(tuned.config(), tuned.weights(), compute)) {
      Tensor drawn = sampler.images(watched.w);
      Drawing drawing = Drawing.of(watched.images, watched.substitutes, drawn, drawn);
      return new Look(not(drawing.nearer()), not(drawing.farther(watched.nearestOther)));
    }
  }

  private static boolean[] not(boolean[] holds) {
    boolean[] others = new boolean[holds.length];
    for (int i = 0; i < others.length; i++) {
      others[i] = !holds[i];
    }
    return others;
  }

  private BeforeAfter<Estimate> shares(boolean[] before, boolean[] after) {
    return new BeforeAfter<>(Estimate.share(before, seed), Estimate.share(after, seed));
  }
}
