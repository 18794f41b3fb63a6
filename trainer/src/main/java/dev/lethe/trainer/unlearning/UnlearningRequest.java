package dev.lethe.trainer.unlearning;

import dev.lethe.trainer.audit.Verdict;
import dev.lethe.trainer.cascade.CascadeOptions;
import dev.lethe.trainer.discriminator.FakeLabel;
import dev.lethe.trainer.inversion.InversionOptions;
import dev.lethe.trainer.redaction.RedactionOptions;
import dev.lethe.trainer.substitution.Substitute;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;

/**
 * What to unlearn and how.
 *
 * @param subject images, or classes
 * @param recipe by which the networks unlearn
 * @param zeroShot what stays is known from generated images, instead of learning images
 * @param substitute what takes the place of what is unlearned; empty for the nearest picture that is far enough ({@link
 *     dev.lethe.trainer.substitution.NearestSubstitute}), and of classes for their stand-ins' pictures
 * @param inversion how hard to look for the latents of images
 * @param bounds when the run is cut short; empty: Fréchet distances are not measured on the way
 * @param verdict what must hold for it to count as forgotten
 * @param seed of every random draw
 */
public record UnlearningRequest(Subject subject, Recipe recipe, boolean zeroShot, Optional<Substitute> substitute,
    FakeLabel fakeLabel, InversionOptions inversion, Optional<Bounds> bounds, Verdict.Bounds verdict, long seed) {

  /** By which the networks unlearn. */
  public sealed interface Recipe {}

  /** The generator is redacted until its target is reached; the discriminator unlearns by a budget of its own. */
  public record Lethe(RedactionOptions options) implements Recipe {}

  /** Cascaded unlearning as arXiv 2308.09881 has it. */
  public record Paper(CascadeOptions options) implements Recipe {}

  /**
   * When a run is cut short.
   *
   * @param maxFidLIncrease most that FID_l may rise, as a share of the original's
   * @param checks how often to measure a cascade
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
   * @param names what messages call the images, in order; empty: their indices
   */
  public record Items(OptionalDouble maxInversionError, boolean skip, List<String> names) implements Subject {

    public Items {
      names = List.copyOf(names);
    }

    /** Images without names. */
    public Items(OptionalDouble maxInversionError, boolean skip) {
      this(maxInversionError, skip, List.of());
    }

    /** What a message calls an image. */
    String name(int image) {
      return image < names.size() ? names.get(image) : Integer.toString(image);
    }

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
