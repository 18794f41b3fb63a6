package dev.lethe.trainer.cascade;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import dev.lethe.models.stylegan2.StyleGan2Config;
import dev.lethe.trainer.adversarial.GanLosses;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Few-shot learning: the discriminator's loss of StyleGAN2 on k learning images and on generated ones (arXiv 2308.09881,
 * section 4.2). Without R1, which needs the stem and made no difference over so few steps.
 */
final class FewShotPhase implements LearningPhase {

  private static final String REAL = "learned";
  private static final String FAKE = "generated";

  private final StyleGan2Config config;
  private final int batch;
  private final Activations learned;
  private final Activations generated;
  private final Deck learnedDeck;
  private final Deck generatedDeck;

  /**
   * @param learned real images that the model must keep
   * @param generated images that the model made
   */
  FewShotPhase(StyleGan2Config config, int batch, Activations learned, Activations generated, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    this.config = config;
    this.batch = batch;
    this.learned = learned;
    this.generated = generated;
    this.learnedDeck = new Deck(learned.size(), random.split());
    this.generatedDeck = new Deck(generated.size(), random.split());
  }

  @Override
  public Value loss(Head head) {
    return GanLosses.discriminator(head.logits(REAL), head.logits(FAKE));
  }

  @Override
  public void next(Map<String, Tensor> inputs) {
    Head.put(inputs, REAL, config, learned.take(learnedDeck.deal(batch)));
    Head.put(inputs, FAKE, config, generated.take(generatedDeck.deal(batch)));
  }
}
