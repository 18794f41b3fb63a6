package dev.lethe.trainer.unlearning;

import dev.lethe.trainer.cascade.CascadeOptions;
import dev.lethe.trainer.cascade.FakeLabel;
import dev.lethe.trainer.inversion.InversionOptions;
import dev.lethe.trainer.substitution.Substitute;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;

/**
 * What to unlearn and how.
 *
 * @param subject images, or classes
 * @param zeroShot relearn from generated images instead of learning images
 * @param substitute what takes the place of what is unlearned
 * @param inversion how hard to look for the latents of images
 * @param bounds when the run is cut short; empty: it is not measured on the way
 */
public record UnlearningRequest(Subject subject, boolean zeroShot, Substitute substitute, FakeLabel fakeLabel,
    CascadeOptions cascade, InversionOptions inversion, Optional<Bounds> bounds) {

  /**
   * When a run is cut short.
   *
   * @param maxFidLIncrease most that FID_l may rise, as a share of the original's
   * @param checks how often to measure
   */
  public record Bounds(double maxFidLIncrease, int checks) {

    /** Checks enough to stop in time, and few enough to cost little. */
    public static final int CHECKS = 5;
  }

  /** What is to be unlearned. */
  public sealed interface Subject {

    /** Class indices of a conditional model that are unlearned as a whole. */
    Set<Integer> classes();
  }

  /**
   * The images of the request, and no others.
   *
   * @param maxInversionError mean squared error in [-1, 1] pixels above which the generator cannot draw an image
   * @param skip go on without such images; otherwise the job fails
   */
  public record Items(OptionalDouble maxInversionError, boolean skip) implements Subject {

    @Override
    public Set<Integer> classes() {
      return Set.of();
    }
  }

  /**
   * Whole classes.
   *
   * @param classes class indices of a conditional model; empty for an unconditional one, where the images of the
   *     request show the class
   */
  public record Classes(Set<Integer> classes) implements Subject {}
}
