package dev.lethe.trainer.cascade;

import static dev.lethe.models.graph.Ops.add;
import static dev.lethe.models.graph.Ops.mean;
import static dev.lethe.models.graph.Ops.square;
import static dev.lethe.models.graph.Ops.sub;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import dev.lethe.models.stylegan2.StyleGan2Config;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * What the discriminator goes on learning while it unlearns: to think of images that stay what the original did,
 * (D(x) − D0(x))². For zero-shot learning these are what the original generator makes, as in arXiv 2308.09881, section
 * 4.2; for few-shot learning the k learning images as well. The paper gives these to the adversarial loss, which lets the
 * head move as it likes: the unlearned images are told from the others less well, and a discriminator that had learned
 * its training images by heart forgets those that stay too.
 */
final class LearningPhase {

  private record Kept(Activations images, Deck deck, String input) {

    String judgements() {
      return input + ".judgements";
    }
  }

  private final StyleGan2Config config;
  private final int batch;
  private final List<Kept> kept = new ArrayList<>();

  /** @param images sets of images, each of the same weight */
  LearningPhase(StyleGan2Config config, int batch, List<Activations> images, long seed) {
    this.config = config;
    this.batch = batch;
    for (Activations set : images) {
      Deck deck = new Deck(set.size(), new SplittableRandom(seed + kept.size()));
      kept.add(new Kept(set, deck, "kept" + kept.size()));
    }
  }

  /** Builds the loss, a scalar; called once. */
  Value loss(Head head) {
    Value sum = null;
    for (Kept set : kept) {
      Value moved = mean(square(sub(head.logits(set.input), head.graph().input(set.judgements(), batch, 1))));
      sum = sum == null ? moved : add(sum, moved);
    }
    return sum;
  }

  /** Adds the values of its inputs for the next step. */
  void next(Map<String, Tensor> inputs) {
    for (Kept set : kept) {
      Activations hand = set.images.take(set.deck.deal(batch));
      Head.put(inputs, set.input, config, hand);
      inputs.put(set.judgements(), hand.judgements());
    }
  }
}
