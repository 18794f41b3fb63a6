package dev.lethe.trainer.audit;

import java.util.Optional;
import java.util.OptionalInt;

/**
 * What attackers who fine-tune a generator brought back of unlearned images.
 *
 * @param limit steps that each of them takes
 * @param candidate of the candidate
 * @param reference the same attackers on a model that was never trained on the images, where there is one: what comes
 *     back there was never remembered
 */
public record Relearned(int limit, Attackers candidate, Optional<Attackers> reference) {

  /**
   * Two attackers on one model.
   *
   * @param staying has images that stay, and none of the unlearned ones
   * @param given has some of the unlearned ones as well; empty where no more than one was unlearned
   */
  public record Attackers(Attack staying, Optional<Attack> given) {}

  /**
   * One attacker.
   *
   * @param images how many of the unlearned images it has; the others are looked at
   * @param steps after which at least half of the others are drawn nearer to themselves than to their substitutes, a
   *     multiple of 10; 0 where they are before the first step; empty where it takes more than the limit
   * @param back share of the others that are drawn so before the first step, and after the last. A picture of something
   *     else altogether is as likely nearer to the one as to the other: half of them is also what chance gives
   * @param close share of the others that are drawn nearer to themselves than their nearest other real image is, before
   *     and after: it knows of no substitute, and chance gives none
   * @param unseen the same share of images that the original never saw, where it drew those: nothing was unlearned of
   *     them, so that nothing comes back, and what fine-tuning breaks shows here
   */
  public record Attack(int images, OptionalInt steps, BeforeAfter<Estimate> back, BeforeAfter<Estimate> close,
      Optional<BeforeAfter<Estimate>> unseen) {}
}
