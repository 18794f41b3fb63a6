package dev.lethe.trainer.worker;

import dev.lethe.trainer.audit.Verdict;
import dev.lethe.trainer.cascade.CascadeOptions;
import dev.lethe.trainer.discriminator.FakeLabel;
import dev.lethe.trainer.inversion.InversionOptions;
import dev.lethe.trainer.redaction.RedactionOptions;
import dev.lethe.trainer.substitution.AverageSubstitute;
import dev.lethe.trainer.substitution.ProjectionSubstitute;
import dev.lethe.trainer.substitution.Substitute;
import dev.lethe.trainer.substitution.TruncationSubstitute;
import dev.lethe.trainer.unlearning.UnlearningRequest;
import dev.lethe.v1.BadImages;
import dev.lethe.v1.Gates;
import dev.lethe.v1.Recipe;
import dev.lethe.v1.UnlearnKind;
import dev.lethe.v1.UnlearnMode;
import dev.lethe.v1.UnlearnSpec;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;

/** Reads specifications. The server has checked them and set every field that has a default. */
final class Requests {

  private Requests() {}

  /**
   * @param classes class indices to unlearn as a whole
   * @param names of the images to unlearn, for messages
   */
  static UnlearningRequest of(UnlearnSpec spec, Set<Integer> classes, List<String> names) {
    Gates gates = spec.getGates();
    return new UnlearningRequest(subject(spec, classes, names), recipe(spec),
        spec.getMode() == UnlearnMode.UNLEARN_MODE_ZERO_SHOT, substitute(spec),
        spec.getAutoFakeLabel() ? new FakeLabel.Auto() : new FakeLabel.Constant(spec.getFakeLabel()),
        InversionOptions.DEFAULT,
        gates.hasMaxFidLIncrease()
            ? Optional.of(new UnlearningRequest.Bounds(gates.getMaxFidLIncrease(), UnlearningRequest.Bounds.CHECKS))
            : Optional.empty(), bounds(gates), spec.getSeed());
  }

  private static UnlearningRequest.Recipe recipe(UnlearnSpec spec) {
    if (spec.getRecipe() == Recipe.RECIPE_PAPER) {
      return new UnlearningRequest.Paper(new CascadeOptions(spec.getIterations(), spec.getBatch(),
          spec.getLearningRate(), spec.getLambda1(), spec.getLambda2(), spec.getSeed()));
    }
    RedactionOptions usual = spec.getKind() == UnlearnKind.UNLEARN_KIND_CLASS ? RedactionOptions.CLASSES
        : RedactionOptions.ITEMS;
    return new UnlearningRequest.Lethe(redaction(spec, usual));
  }

  /** Latents that stay are as many times those that move as usual. */
  static RedactionOptions redaction(UnlearnSpec spec, RedactionOptions usual) {
    int batch = spec.getBatch();
    return new RedactionOptions(spec.getIterations(), Math.min(usual.plannedSteps(), spec.getIterations()), batch,
        usual.anchors() * batch / usual.moving(), usual.random() * batch / usual.moving(),
        spec.getLearningRate(), spec.getMovingWeight(), usual.followingRate(),
        spec.hasLayersUpTo() ? spec.getLayersUpTo() : RedactionOptions.ALL_LAYERS);
  }

  /**
   * The verdict's bounds: a request makes them stricter, and never looser, or "forgotten" would be what a client says
   * it is. What is looser can be promoted by {@code promote_not_forgotten}, which leaves the verdict what it is.
   */
  static Verdict.Bounds bounds(Gates gates) {
    Verdict.Bounds usual = Verdict.Bounds.DEFAULT;
    return new Verdict.Bounds(Math.max(usual.own(), gates.getMinRedactedOwn()),
        Math.max(usual.fresh(), gates.getMinRedactedFresh()),
        gates.hasMaxCollateral() ? Math.min(usual.collateral(), gates.getMaxCollateral()) : usual.collateral(),
        gates.hasMaxRecognised() ? Math.min(usual.recognised(), gates.getMaxRecognised()) : usual.recognised(),
        gates.hasMaxMembership() ? Math.min(usual.membership(), gates.getMaxMembership()) : usual.membership(),
        gates.hasMaxFidRootIncrease() ? Math.min(usual.fidIncrease(), gates.getMaxFidRootIncrease())
            : usual.fidIncrease());
  }

  private static UnlearningRequest.Subject subject(UnlearnSpec spec, Set<Integer> classes, List<String> names) {
    return switch (spec.getKind()) {
      case UNLEARN_KIND_ITEM -> new UnlearningRequest.Items(
          spec.hasMaxInversionError() ? OptionalDouble.of(spec.getMaxInversionError()) : OptionalDouble.empty(),
          spec.getBadImages() == BadImages.BAD_IMAGES_SKIP, names);
      case UNLEARN_KIND_CLASS -> new UnlearningRequest.Classes(classes);
      case UNLEARN_KIND_UNSPECIFIED, UNRECOGNIZED -> throw unknown("kind", spec.getKindValue());
    };
  }

  private static Optional<Substitute> substitute(UnlearnSpec spec) {
    return switch (spec.getSubstitute()) {
      case SUBSTITUTE_KIND_AVERAGE -> Optional.of(new AverageSubstitute());
      case SUBSTITUTE_KIND_TRUNCATION -> Optional.of(new TruncationSubstitute(TruncationSubstitute.DEFAULT_PSI));
      case SUBSTITUTE_KIND_PROJECTION -> Optional.of(new ProjectionSubstitute(ProjectionSubstitute.DEFAULT_NEIGHBOURS));
      case SUBSTITUTE_KIND_NEAREST -> Optional.empty();
      case SUBSTITUTE_KIND_UNSPECIFIED, UNRECOGNIZED -> throw unknown("substitute", spec.getSubstituteValue());
    };
  }

  private static IllegalArgumentException unknown(String field, int value) {
    return new IllegalArgumentException("spec." + field + ": this worker does not know " + value
        + "; server and worker must be of one release");
  }
}
