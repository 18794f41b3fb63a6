package dev.lethe.trainer.cascade;

import static dev.lethe.models.graph.Ops.mean;
import static dev.lethe.models.graph.Ops.square;
import static dev.lethe.models.graph.Ops.sub;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import dev.lethe.models.stylegan2.StyleGan2Config;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Zero-shot learning, without images: of what the original generator makes, the discriminator must go on thinking what
 * the original one did, (D(G0(z)) − D0(G0(z)))² (arXiv 2308.09881, section 4.2).
 */
final class ZeroShotPhase implements LearningPhase {

  private static final String GENERATED = "generated";
  private static final String JUDGEMENT = "judgement";

  private final StyleGan2Config config;
  private final int batch;
  private final Activations generated;
  private final Tensor judgements;
  private final Deck deck;

  /**
   * @param generated G0(z)
   * @param judgements D0(G0(z))
   */
  ZeroShotPhase(StyleGan2Config config, int batch, Activations generated, Judgements judgements, long seed) {
    this.config = config;
    this.batch = batch;
    this.generated = generated;
    this.judgements = Tensor.of(judgements.logits(), judgements.logits().length, 1);
    this.deck = new Deck(generated.size(), new SplittableRandom(seed));
  }

  @Override
  public Value loss(Head head) {
    return mean(square(sub(head.logits(GENERATED), head.graph().input(JUDGEMENT, batch, 1))));
  }

  @Override
  public void next(Map<String, Tensor> inputs) {
    int[] hand = deck.deal(batch);
    Head.put(inputs, GENERATED, config, generated.take(hand));
    inputs.put(JUDGEMENT, judgements.rows(hand));
  }
}
