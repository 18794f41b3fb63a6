package dev.lethe.server.unlearning;

import dev.lethe.v1.Gates;
import dev.lethe.v1.SubstituteKind;
import dev.lethe.v1.UnlearnKind;
import dev.lethe.v1.UnlearnMode;
import dev.lethe.v1.UnlearnSpec;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;

/** Checks specifications and writes the defaults into them, so that a job's record says what was really done. */
final class UnlearnSpecs {

  private static final double FAKE_LABEL = -1;
  private static final int ITERATIONS = 50;
  private static final int LARGEST_ITERATIONS = 100_000;
  private static final int BATCH = 32;
  private static final int BATCH_STEP = 4;
  private static final int LARGEST_BATCH = 256;
  private static final double LEARNING_RATE = 0.02;
  private static final double LARGEST_LEARNING_RATE = 0.1;
  private static final double LAMBDA1 = 1;
  private static final double LAMBDA2 = 0.1;

  private UnlearnSpecs() {}

  /**
   * @param model name of the model that it is for
   * @return every field set, but for the gates that the client left out
   * @throws StatusRuntimeException INVALID_ARGUMENT naming the field and its limits
   */
  static UnlearnSpec check(UnlearnSpec spec, String model) {
    UnlearnSpec.Builder checked = spec.toBuilder().setModel(model)
        .setKind(kind(spec))
        .setMode(mode(spec))
        .setSubstitute(substitute(spec))
        .setFakeLabel(spec.hasFakeLabel() ? spec.getFakeLabel() : FAKE_LABEL)
        .setIterations(spec.hasIterations() ? spec.getIterations() : ITERATIONS)
        .setBatch(spec.hasBatch() ? spec.getBatch() : BATCH)
        .setLearningRate(spec.hasLearningRate() ? spec.getLearningRate() : LEARNING_RATE)
        .setLambda1(spec.hasLambda1() ? spec.getLambda1() : LAMBDA1)
        .setLambda2(spec.hasLambda2() ? spec.getLambda2() : LAMBDA2)
        .setSeed(spec.getSeed());
    require(Double.isFinite(checked.getFakeLabel()), "fake_label", checked.getFakeLabel(), "must be finite");
    require(checked.getIterations() >= 1 && checked.getIterations() <= LARGEST_ITERATIONS, "iterations",
        checked.getIterations(), "must be from 1 to " + LARGEST_ITERATIONS);
    int batch = checked.getBatch();
    require(batch >= BATCH_STEP && batch <= LARGEST_BATCH && batch % BATCH_STEP == 0, "batch", batch,
        "must be a multiple of " + BATCH_STEP + " from " + BATCH_STEP + " to " + LARGEST_BATCH);
    require(checked.getLearningRate() > 0 && checked.getLearningRate() <= LARGEST_LEARNING_RATE, "learning_rate",
        checked.getLearningRate(), "must be above 0, up to " + LARGEST_LEARNING_RATE);
    weight("lambda1", checked.getLambda1());
    weight("lambda2", checked.getLambda2());
    gates(spec.getGates());
    return checked.build();
  }

  private static UnlearnKind kind(UnlearnSpec spec) {
    return switch (spec.getKind()) {
      case UNLEARN_KIND_UNSPECIFIED, UNLEARN_KIND_ITEM -> UnlearnKind.UNLEARN_KIND_ITEM;
      case UNRECOGNIZED -> throw unknown("kind", spec.getKindValue(), "ITEM (1)");
    };
  }

  private static UnlearnMode mode(UnlearnSpec spec) {
    return switch (spec.getMode()) {
      case UNLEARN_MODE_UNSPECIFIED, UNLEARN_MODE_FEW_SHOT -> UnlearnMode.UNLEARN_MODE_FEW_SHOT;
      case UNRECOGNIZED -> throw unknown("mode", spec.getModeValue(), "FEW_SHOT (1)");
    };
  }

  private static SubstituteKind substitute(UnlearnSpec spec) {
    return switch (spec.getSubstitute()) {
      case SUBSTITUTE_KIND_UNSPECIFIED, SUBSTITUTE_KIND_AVERAGE -> SubstituteKind.SUBSTITUTE_KIND_AVERAGE;
      case UNRECOGNIZED -> throw unknown("substitute", spec.getSubstituteValue(), "AVERAGE (1)");
    };
  }

  private static void weight(String field, double value) {
    require(value >= 0 && Double.isFinite(value), field, value, "must be 0 or more, and finite");
  }

  private static void gates(Gates gates) {
    share("gates.min_auc_lu", gates.getMinAucLu());
    share("gates.min_acc", gates.getMinAcc());
    double increase = gates.getMaxFidLIncrease();
    require(increase >= 0 && Double.isFinite(increase), "gates.max_fid_l_increase", increase,
        "must be 0 or more, and finite");
  }

  private static void share(String field, double value) {
    require(value >= 0 && value <= 1, field, value, "must be from 0 to 1");
  }

  private static void require(boolean holds, String field, Number value, String limit) {
    if (!holds) {
      throw invalid("spec." + field + ": is " + value + "; it " + limit);
    }
  }

  private static StatusRuntimeException unknown(String field, int value, String known) {
    return invalid("spec." + field + ": " + value + " is not known; use " + known);
  }

  static StatusRuntimeException invalid(String description) {
    return Status.INVALID_ARGUMENT.withDescription(description).asRuntimeException();
  }
}
