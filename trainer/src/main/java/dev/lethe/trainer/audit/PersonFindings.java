package dev.lethe.trainer.audit;

import dev.lethe.models.graph.Tensor;
import dev.lethe.trainer.audit.PersonSubjects.Group;
import java.util.Map;

/**
 * What an audit of a person found. Similarities are those of {@link dev.lethe.trainer.identity.IdentityJudge}, of a
 * picture with the other photos of the one whom it is to show, with an interval by the bootstrap over people; of the
 * person alone over photos.
 *
 * @param likenesses of each group
 * @param chance how like the person the pictures are that strangers' latents draw, over strangers: of the original at
 *     latents found in it, and of the candidate at those found in that
 * @param pictures of the person's photos, first those that were sent: the photos; what the original draws of them; what
 *     the candidate draws there; the nearest that the attack found in the candidate
 */
public record PersonFindings(Map<Group, Likeness> likenesses, BeforeAfter<Estimate> chance, Pictures pictures,
    double seconds) {

  /** A likeness that is not to be told from none. */
  private static final double LEAST = 0.02;

  /**
   * How like themselves a group's people are.
   *
   * @param real their photos, with each other: the most that a generator could reach
   * @param before what the original draws of them, at latents found in it
   * @param same what the candidate draws at the same latents
   * @param again what it draws at latents found afresh in it
   * @param errors mean squared pixel error of both attacks
   */
  public record Likeness(Estimate real, Estimate before, Estimate same, Estimate again, BeforeAfter<Double> errors) {}

  /** All [N, C, H, W]. */
  public record Pictures(Tensor photos, Tensor original, Tensor candidate, Tensor again) {}

  public Likeness of(Group group) {
    return likenesses.get(group);
  }

  /**
   * Part of what the group's likeness was above chance that is gone at the original's latents; 0 where there was none.
   */
  public double lost(Group group) {
    double had = of(group).before().value() - chance.before().value();
    return had <= LEAST ? 0 : (of(group).before().value() - of(group).same().value()) / had;
  }
}
