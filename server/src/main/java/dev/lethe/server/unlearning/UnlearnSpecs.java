package dev.lethe.server.unlearning;

import dev.lethe.job.JobContract;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.features.RecognisedClasses;
import dev.lethe.models.image.Fit;
import dev.lethe.models.image.Preparation;
import dev.lethe.server.audit.AuditLog;
import dev.lethe.server.errors.DomainException;
import dev.lethe.server.errors.DomainException.Invalid;
import dev.lethe.server.errors.DomainException.Precondition;
import dev.lethe.server.registry.ClassLabels;
import dev.lethe.server.rpc.Call;
import dev.lethe.v1.BadImages;
import dev.lethe.v1.Gates;
import dev.lethe.v1.ImageFit;
import dev.lethe.v1.Recipe;
import dev.lethe.v1.SubmitRequest;
import dev.lethe.v1.SubstituteKind;
import dev.lethe.v1.UnlearnKind;
import dev.lethe.v1.UnlearnMode;
import dev.lethe.v1.UnlearnSpec;
import java.util.OptionalInt;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * Checks specifications and writes the defaults into them, so that a job's record says what was really done. Whether
 * the images that come after a specification fit it is for {@link SubmitUpload} to say.
 */
public final class UnlearnSpecs {

  private static final int SMALLEST_LAYER = 4;
  private static final int LARGEST_COLOR = 0xffffff;
  /** AUC of scores that tell two groups apart no better than chance. */
  private static final double INDISTINGUISHABLE = 0.5;

  private static final String CLASSIFIER_REMEDY = "unlearn images themselves (kind ITEM), or make a classifier of what "
      + "the model draws with 'lethe train features', or take any other, and import the model again ('lethe import "
      + "--features FILE', of another's file with --features-logits NAME)";

  private UnlearnSpecs() {}

  /**
   * @param card of the model that it is for
   * @param recognises what its feature network tells apart
   * @return every field set, but for the mode and those that have no default
   * @throws DomainException Invalid naming the field and its limits; Precondition for classes that
   *     are gone already, and for a model that lacks what unlearning takes
   */
  public static UnlearnSpec check(UnlearnSpec spec, ModelCard card, RecognisedClasses recognises) {
    requireNetworks(spec, card);
    requireClassifier(spec, card, recognises);
    boolean paper = recipe(spec) == Recipe.RECIPE_PAPER;
    boolean ofClass = kind(spec) == UnlearnKind.UNLEARN_KIND_CLASS;
    UnlearnSpec.Builder checked = spec.toBuilder().setModel(card.name())
        .setRecipe(recipe(spec))
        .setKind(kind(spec))
        .setMode(mode(spec))
        .setSubstitute(substitute(spec))
        .setBadImages(badImages(spec))
        .setIterations(spec.hasIterations() ? spec.getIterations()
            : paper ? JobContract.PAPER_ITERATIONS : JobContract.STEPS)
        .setBatch(spec.hasBatch() ? spec.getBatch() : ofClass && !paper ? JobContract.CLASS_BATCH : JobContract.BATCH)
        .setLearningRate(spec.hasLearningRate() ? spec.getLearningRate() : paper ? JobContract.PAPER_LEARNING_RATE
            : JobContract.LEARNING_RATE)
        .setFit(fit(spec))
        .setSeed(spec.getSeed());
    if (paper) {
      checked.setLambda1(spec.hasLambda1() ? spec.getLambda1() : JobContract.LAMBDA1)
          .setLambda2(spec.hasLambda2() ? spec.getLambda2() : JobContract.LAMBDA2);
    } else {
      checked.setMovingWeight(spec.hasMovingWeight() ? spec.getMovingWeight() : JobContract.MOVING_WEIGHT);
    }
    if (spec.getAutoFakeLabel() && spec.hasFakeLabel()) {
      throw invalid("spec.fake_label: is " + spec.getFakeLabel()
          + " together with auto_fake_label; set one of the two");
    }
    boolean judges = card.has(Bundle.DISCRIMINATOR);
    if (!spec.hasFakeLabel() && !paper && judges) {
      checked.setAutoFakeLabel(true);
    }
    if (!checked.getAutoFakeLabel() && judges) {
      checked.setFakeLabel(spec.hasFakeLabel() ? spec.getFakeLabel() : JobContract.FAKE_LABEL);
      require(Double.isFinite(checked.getFakeLabel()), "fake_label", checked.getFakeLabel(), "must be finite");
    }
    require(!spec.hasBackground() || spec.getBackground() >= 0 && spec.getBackground() <= LARGEST_COLOR, "background",
        Integer.toUnsignedLong(spec.getBackground()), "must be from 0 to 0xFFFFFF (" + LARGEST_COLOR + ")");
    require(!spec.hasMaxInversionError() || spec.getMaxInversionError() > 0, "max_inversion_error",
        spec.getMaxInversionError(), "must be above 0");
    require(checked.getIterations() >= 1 && checked.getIterations() <= JobContract.LARGEST_ITERATIONS, "iterations",
        checked.getIterations(), "must be from 1 to " + JobContract.LARGEST_ITERATIONS);
    int batch = checked.getBatch();
    require(batch >= JobContract.BATCH_STEP && batch <= JobContract.LARGEST_BATCH
        && batch % JobContract.BATCH_STEP == 0, "batch", batch,
        "must be a multiple of " + JobContract.BATCH_STEP + " from " + JobContract.BATCH_STEP + " to "
            + JobContract.LARGEST_BATCH);
    if (paper) {
      wholeGroups(batch, card);
    }
    require(checked.getLearningRate() > 0 && checked.getLearningRate() <= JobContract.LARGEST_LEARNING_RATE,
        "learning_rate",
        checked.getLearningRate(), "must be above 0, up to " + JobContract.LARGEST_LEARNING_RATE);
    require(paper || checked.getMovingWeight() > 0 && checked.getMovingWeight() <= JobContract.LARGEST_MOVING_WEIGHT,
        "moving_weight",
        checked.getMovingWeight(), "must be above 0, up to " + JobContract.LARGEST_MOVING_WEIGHT);
    if (spec.hasLayersUpTo()) {
      onlyOf(!paper, true, "layers_up_to", "LETHE");
      int most = card.network().resolution();
      int upTo = spec.getLayersUpTo();
      require(upTo >= SMALLEST_LAYER && upTo <= most && Integer.bitCount(upTo) == 1, "layers_up_to", upTo,
          "must be a power of two from " + SMALLEST_LAYER + " to " + most + ", the model's resolution");
    }
    onlyOf(paper, spec.hasLambda1(), "lambda1", "PAPER");
    onlyOf(paper, spec.hasLambda2(), "lambda2", "PAPER");
    onlyOf(!paper, spec.hasMovingWeight(), "moving_weight", "LETHE");
    weight("lambda1", checked.getLambda1());
    weight("lambda2", checked.getLambda2());
    gates(spec.getGates(), checked.getAutoFakeLabel(), card);
    kindsOwn(checked, card);
    return checked.build();
  }

  /** Models that were imported may have come with a generator alone: what needs more is refused before it begins. */
  private static void requireNetworks(UnlearnSpec spec, ModelCard card) {
    String model = "version " + card.version() + " of " + card.name();
    if (!card.has(Bundle.DISCRIMINATOR)) {
      String remedy = "; or import the model again ('lethe import') from a file that has its discriminator too";
      if (recipe(spec) == Recipe.RECIPE_PAPER) {
        throw lacking("spec.recipe: " + model + " has no " + Bundle.DISCRIMINATOR
            + ", which recipe PAPER trains beside the "
            + "generator; use recipe LETHE" + remedy);
      }
      if (spec.hasFakeLabel() || spec.getAutoFakeLabel()) {
        throw lacking("spec." + (spec.hasFakeLabel() ? "fake_label" : "auto_fake_label") + ": " + model + " has no "
            + Bundle.DISCRIMINATOR + " that could learn to say it; leave it out" + remedy);
      }
      if (spec.getGates().hasMinAucLu()) {
        throw lacking("spec.gates.min_auc_lu: " + model + " has no " + Bundle.DISCRIMINATOR
            + " that it could be measured "
            + "of; leave it out" + remedy);
      }
    }
  }

  /**
   * Classes are found, and unlearning is stopped, by what the feature network takes images for: one that tells none
   * apart, or others than a conditional model's, says nothing of them.
   */
  private static void requireClassifier(UnlearnSpec spec, ModelCard card, RecognisedClasses recognises) {
    if (kind(spec) != UnlearnKind.UNLEARN_KIND_CLASS) {
      return;
    }
    String its = "spec.kind: version " + card.version() + " of " + card.name();
    if (!card.has(Bundle.FEATURES)) {
      throw lacking(its + " has no " + Bundle.FEATURES + ", by which classes are recognised; " + CLASSIFIER_REMEDY);
    }
    boolean compares = card.conditional() && recipe(spec) == Recipe.RECIPE_LETHE;
    if (!recognises.any() && (compares || !card.conditional())) {
      throw lacking(its + " has a " + Bundle.FEATURES + " that tells no classes apart, by which they would be "
          + "recognised; " + CLASSIFIER_REMEDY);
    }
    if (compares && recognises.count() != card.labels().size()) {
      throw lacking(its + " has a " + Bundle.FEATURES + " that tells "
          + (recognises.count() == 0 ? "classes apart and does not say how many"
              : recognises.count() + " classes apart")
          + "; the model has " + card.labels().size() + ", and each must be recognised as itself: "
          + CLASSIFIER_REMEDY);
    }
  }

  /**
   * Refuses few-shot unlearning with nothing to learn from.
   *
   * @param learnable learning images were sent, or the server has a data set
   */
  public static void requireLearnable(UnlearnSpec spec, boolean learnable) {
    if (spec.getMode() == UnlearnMode.UNLEARN_MODE_FEW_SHOT && !learnable) {
      throw invalid("images: there is none of role LEARN, and this server has no data set (--data)"
          + " to take learning images from; send some, or let mode be ZERO_SHOT");
    }
  }

  /** The discriminator judges a step of a cascade as one batch, in groups of its minibatch standard deviation. */
  private static void wholeGroups(int batch, ModelCard card) {
    ModelCard.Discriminator discriminator = card.network().discriminator();
    int group = discriminator == null ? 0 : discriminator.mbstdGroup();
    if (group > 0 && discriminator.mbstdChannels() > 0) {
      require(batch < group || batch % group == 0, "batch", batch, "must be a multiple of " + group
          + ", the group of the "
          + "minibatch standard deviation of the model's discriminator, or below it");
    }
  }

  private static DomainException lacking(String description) {
    return new Precondition(description);
  }

  private static void kindsOwn(UnlearnSpec.Builder spec, ModelCard card) {
    boolean named = spec.getClassesCount() > 0;
    if (spec.getKind() == UnlearnKind.UNLEARN_KIND_ITEM) {
      if (named) {
        throw invalid("spec.classes: is " + spec.getClassesList() + ", but kind ITEM unlearns the images sent and no "
            + "whole class; set kind to CLASS, or leave classes empty");
      }
      return;
    }
    if (spec.hasMaxInversionError()) {
      throw invalid("spec.max_inversion_error: is for kind ITEM; kind CLASS looks for no latents of images");
    }
    if (!card.conditional() && named) {
      throw invalid("spec.classes: model " + card.name() + " has no classes; send images that show what to unlearn");
    }
    if (card.conditional() && !named) {
      throw invalid("spec.classes: is empty; name the classes to unlearn, of " + card.labels());
    }
    if (card.conditional() && classes(spec.build(), card).size() >= ClassLabels.kept(card).size()) {
      throw invalid("spec.classes: is all that version " + card.version() + " of " + card.name()
          + " has left; at least one class must stay");
    }
  }

  /** Indices of the classes that a specification names, each once, in order. */
  static SortedSet<Integer> classes(UnlearnSpec spec, ModelCard card) {
    SortedSet<Integer> classes = new TreeSet<>();
    for (int i = 0; i < spec.getClassesCount(); i++) {
      classes.add(ClassLabels.index(card, spec.getClasses(i), "spec.classes[" + i + "]"));
    }
    return classes;
  }

  private static UnlearnKind kind(UnlearnSpec spec) {
    return switch (spec.getKind()) {
      case UNLEARN_KIND_UNSPECIFIED -> UnlearnKind.UNLEARN_KIND_ITEM;
      case UNLEARN_KIND_ITEM, UNLEARN_KIND_CLASS -> spec.getKind();
      case UNRECOGNIZED -> throw unknown("kind", spec.getKindValue(), "ITEM (1) or CLASS (2)");
    };
  }

  private static Recipe recipe(UnlearnSpec spec) {
    return switch (spec.getRecipe()) {
      case RECIPE_UNSPECIFIED -> Recipe.RECIPE_LETHE;
      case RECIPE_LETHE, RECIPE_PAPER -> spec.getRecipe();
      case UNRECOGNIZED -> throw unknown("recipe", spec.getRecipeValue(), "LETHE (1) or PAPER (2)");
    };
  }

  /** A field that would change nothing is a mistake. */
  private static void onlyOf(boolean recipe, boolean set, String field, String name) {
    if (set && !recipe) {
      throw invalid("spec." + field + ": is of recipe " + name + " alone; set recipe to " + name + ", or leave it out");
    }
  }

  private static UnlearnMode mode(UnlearnSpec spec) {
    return switch (spec.getMode()) {
      case UNLEARN_MODE_UNSPECIFIED, UNLEARN_MODE_FEW_SHOT, UNLEARN_MODE_ZERO_SHOT -> spec.getMode();
      case UNRECOGNIZED -> throw unknown("mode", spec.getModeValue(), "FEW_SHOT (1) or ZERO_SHOT (2)");
    };
  }

  private static SubstituteKind substitute(UnlearnSpec spec) {
    return switch (spec.getSubstitute()) {
      case SUBSTITUTE_KIND_UNSPECIFIED -> recipe(spec) == Recipe.RECIPE_PAPER ? SubstituteKind.SUBSTITUTE_KIND_AVERAGE
          : SubstituteKind.SUBSTITUTE_KIND_NEAREST;
      case SUBSTITUTE_KIND_AVERAGE, SUBSTITUTE_KIND_TRUNCATION, SUBSTITUTE_KIND_PROJECTION, SUBSTITUTE_KIND_NEAREST ->
          spec.getSubstitute();
      case UNRECOGNIZED -> throw unknown("substitute", spec.getSubstituteValue(),
          "AVERAGE (1), TRUNCATION (2), PROJECTION (3) or NEAREST (4)");
    };
  }

  private static BadImages badImages(UnlearnSpec spec) {
    return switch (spec.getBadImages()) {
      case BAD_IMAGES_UNSPECIFIED -> BadImages.BAD_IMAGES_REFUSE;
      case BAD_IMAGES_REFUSE, BAD_IMAGES_SKIP -> spec.getBadImages();
      case UNRECOGNIZED -> throw unknown("bad_images", spec.getBadImagesValue(), "REFUSE (1) or SKIP (2)");
    };
  }

  private static ImageFit fit(UnlearnSpec spec) {
    return switch (spec.getFit()) {
      case IMAGE_FIT_UNSPECIFIED -> ImageFit.IMAGE_FIT_EXACT;
      case IMAGE_FIT_EXACT, IMAGE_FIT_PAD, IMAGE_FIT_CROP, IMAGE_FIT_RESIZE -> spec.getFit();
      case UNRECOGNIZED -> throw unknown("fit", spec.getFitValue(), "EXACT (1), PAD (2), CROP (3) or RESIZE (4)");
    };
  }

  /** How the images of a specification are prepared. */
  public static Preparation preparation(UnlearnSpec spec) {
    return preparation(fit(spec), spec.hasBackground() ? OptionalInt.of(spec.getBackground()) : OptionalInt.empty());
  }

  /** The same of its parts. */
  public static Preparation preparation(ImageFit fit, OptionalInt background) {
    return new Preparation(switch (fit) {
      case IMAGE_FIT_PAD -> Fit.PAD;
      case IMAGE_FIT_CROP -> Fit.CROP;
      case IMAGE_FIT_RESIZE -> Fit.RESIZE;
      case IMAGE_FIT_EXACT, IMAGE_FIT_UNSPECIFIED, UNRECOGNIZED -> Fit.EXACT;
    }, background);
  }

  private static void weight(String field, double value) {
    require(value >= 0 && Double.isFinite(value), field, value, "must be 0 or more, and finite");
  }

  private static void gates(Gates gates, boolean autoFakeLabel, ModelCard card) {
    share("gates.min_auc_lu", gates.getMinAucLu());
    share("gates.min_acc", gates.getMinAcc());
    share("gates.min_redacted_own", gates.getMinRedactedOwn());
    share("gates.min_redacted_fresh", gates.getMinRedactedFresh());
    share("gates.max_recognised", gates.getMaxRecognised());
    weight("gates.max_collateral", gates.getMaxCollateral());
    weight("gates.max_fid_root_increase", gates.getMaxFidRootIncrease());
    weight("gates.max_membership", gates.getMaxMembership());
    double increase = gates.getMaxFidLIncrease();
    require(increase >= 0 && Double.isFinite(increase), "gates.max_fid_l_increase", increase,
        "must be 0 or more, and finite");
    if (autoFakeLabel && gates.getMinAucLu() > INDISTINGUISHABLE) {
      throw invalid("spec.gates.min_auc_lu: is " + gates.getMinAucLu()
          + " together with auto_fake_label (the default), which makes "
          + "unlearned images look like any others: the gate asks for the opposite. Leave out one of the two");
    }
    if (gates.hasMinAcc() && !card.conditional()) {
      throw invalid("spec.gates.min_acc: model " + card.name() + " has no classes, so that its accuracy cannot be "
          + "measured; leave the gate out");
    }
  }

  private static void share(String field, double value) {
    require(value >= 0 && value <= 1, field, value, "must be from 0 to 1");
  }

  private static void require(boolean holds, String field, Number value, String limit) {
    if (!holds) {
      throw invalid("spec." + field + ": is " + value + "; it " + limit);
    }
  }

  private static DomainException unknown(String field, int value, String known) {
    return invalid("spec." + field + ": " + value + " is not known; use " + known);
  }

  /** Tells a call what a submission or a dry run is about, taken or not: what its first message asks for. */
  public static void subject(SubmitRequest message, Call<?> call) {
    if (message.hasSpec()) {
      UnlearnSpec asked = message.getSpec();
      call.about("model", asked.getModel());
      call.about("kind", AuditLog.kind(asked));
      call.about("classes", String.join(",", asked.getClassesList()));
    }
  }

  static DomainException invalid(String description) {
    return new Invalid(description);
  }
}
