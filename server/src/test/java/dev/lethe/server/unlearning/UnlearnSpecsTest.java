package dev.lethe.server.unlearning;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.bundle.ModelCard.WStatistics;
import dev.lethe.models.features.RecognisedClasses;
import dev.lethe.server.errors.DomainException.Invalid;
import dev.lethe.server.errors.DomainException.Precondition;
import dev.lethe.v1.Gates;
import dev.lethe.v1.ImageFit;
import dev.lethe.v1.Recipe;
import dev.lethe.v1.SubstituteKind;
import dev.lethe.v1.UnlearnKind;
import dev.lethe.v1.UnlearnSpec;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class UnlearnSpecsTest {

  private static final ModelCard CARD = new ModelCard(ModelCard.FORMAT_VERSION, "tiny", "v1", null,
      ModelCard.STYLEGAN2, new ModelCard.Network(32, 1, 8, 8, 8, 1, 256, 8), List.of("a", "b", "c"), Map.of(),
      new WStatistics(new float[8], new float[3][8]), null, null,
      Map.of("mapping.onnx", "", "synthesis.onnx", "", "discriminator.onnx", "", "features.onnx", ""));

  private static final Map<String, BiConsumer<Gates.Builder, Double>> GATES = Map.of(
      "min_auc_lu", Gates.Builder::setMinAucLu,
      "min_acc", Gates.Builder::setMinAcc,
      "min_redacted_own", Gates.Builder::setMinRedactedOwn,
      "min_redacted_fresh", Gates.Builder::setMinRedactedFresh,
      "max_recognised", Gates.Builder::setMaxRecognised,
      "max_collateral", Gates.Builder::setMaxCollateral,
      "max_fid_root_increase", Gates.Builder::setMaxFidRootIncrease,
      "max_membership", Gates.Builder::setMaxMembership,
      "max_fid_l_increase", Gates.Builder::setMaxFidLIncrease);

  @Test
  void withoutARecipeItIsLethesWithAnAutomaticFakeLabelAndTheNearestSubstitute() {
    UnlearnSpec checked = check(UnlearnSpec.newBuilder());
    assertEquals(Recipe.RECIPE_LETHE, checked.getRecipe());
    assertTrue(checked.getAutoFakeLabel());
    assertFalse(checked.hasFakeLabel());
    assertEquals(SubstituteKind.SUBSTITUTE_KIND_NEAREST, checked.getSubstitute());
    assertTrue(checked.hasMovingWeight() && checked.hasIterations() && checked.hasBatch());
  }

  @Test
  void thePapersHasItsOwnDefaults() {
    UnlearnSpec checked = check(paper());
    assertEquals(Recipe.RECIPE_PAPER, checked.getRecipe());
    assertFalse(checked.getAutoFakeLabel());
    assertEquals(-1, checked.getFakeLabel());
    assertEquals(SubstituteKind.SUBSTITUTE_KIND_AVERAGE, checked.getSubstitute());
    UnlearnSpec lethe = check(UnlearnSpec.newBuilder());
    assertTrue(checked.getIterations() < lethe.getIterations());
    assertTrue(checked.getLearningRate() < lethe.getLearningRate());
  }

  @Test
  void whatIsSetStays() {
    UnlearnSpec checked = check(paper().setFakeLabel(0.5).setIterations(3).setBatch(8).setLearningRate(0.01)
        .setLambda1(2).setLambda2(0).setSubstitute(SubstituteKind.SUBSTITUTE_KIND_NEAREST));
    assertEquals(0.5, checked.getFakeLabel());
    assertEquals(3, checked.getIterations());
    assertEquals(8, checked.getBatch());
    assertEquals(0.01, checked.getLearningRate());
    assertEquals(2, checked.getLambda1());
    assertEquals(0, checked.getLambda2());
    assertEquals(SubstituteKind.SUBSTITUTE_KIND_NEAREST, checked.getSubstitute());
    assertEquals(7, check(UnlearnSpec.newBuilder().setMovingWeight(7)).getMovingWeight());
    assertTrue(check(paper().setAutoFakeLabel(true)).getAutoFakeLabel());
  }

  @Test
  void fieldsOfTheOtherRecipeAreRefused() {
    refused("spec.lambda1: is of recipe PAPER alone", UnlearnSpec.newBuilder().setLambda1(1));
    refused("spec.lambda2: is of recipe PAPER alone", UnlearnSpec.newBuilder().setLambda2(1));
    refused("spec.moving_weight: is of recipe LETHE alone", paper().setMovingWeight(1));
    refused("spec.recipe: 9 is not known; use LETHE (1) or PAPER (2)", UnlearnSpec.newBuilder().setRecipeValue(9));
  }

  @ParameterizedTest
  @CsvSource({"0", "-1", "100.5", "NaN", "Infinity"})
  void theMovingWeightHasBounds(double weight) {
    refused("spec.moving_weight: is " + weight + "; it must be above 0, up to 100",
        UnlearnSpec.newBuilder().setMovingWeight(weight));
  }

  @ParameterizedTest
  @CsvSource({"min_auc_lu, 1", "min_acc, 1", "min_redacted_own, 1", "min_redacted_fresh, 1", "max_recognised, 1",
      "max_collateral, Infinity", "max_fid_root_increase, Infinity", "max_membership, Infinity",
      "max_fid_l_increase, Infinity"})
  void gatesHaveRanges(String gate, double most) {
    for (double inside : new double[] {0, 0.3, 1}) {
      check(gate(gate, inside));
    }
    for (double outside : new double[] {-0.1, most == 1 ? 1.1 : most, Double.NaN}) {
      refused("spec.gates." + gate + ": is " + outside, gate(gate, outside));
    }
  }

  @Test
  void aGateThatAsksForTheOppositeOfTheFakeLabelIsRefused() {
    refused("spec.gates.min_auc_lu: is 0.9 together with auto_fake_label (the default)",
        UnlearnSpec.newBuilder().setGates(Gates.newBuilder().setMinAucLu(0.9)));
    check(UnlearnSpec.newBuilder().setFakeLabel(-1).setGates(Gates.newBuilder().setMinAucLu(0.9)));
    check(paper().setGates(Gates.newBuilder().setMinAucLu(0.9)));
  }

  @Test
  void classesMoveInBatchesOfTheirOwn() {
    UnlearnSpec items = check(UnlearnSpec.newBuilder());
    UnlearnSpec classes =
        check(UnlearnSpec.newBuilder().setKind(UnlearnKind.UNLEARN_KIND_CLASS).addClasses("a"));
    assertTrue(classes.getBatch() > items.getBatch());
  }

  /** What was imported may be a generator alone, which can be redacted; what needs more is refused with the remedy. */
  @Test
  void aGeneratorAloneIsEnoughForItsOwnPart() {
    ModelCard alone = new ModelCard(ModelCard.FORMAT_VERSION, "mine", "v1", null, ModelCard.STYLEGAN2,
        new ModelCard.Network(32, 3, 8, 8, 8, 1, 256, 8), List.of(), Map.of(),
            new WStatistics(new float[8], new float[0][]),
        null, null, Map.of("mapping.onnx", "", "synthesis.onnx", ""));
    UnlearnSpec checked = UnlearnSpecs.check(UnlearnSpec.getDefaultInstance(), alone, RecognisedClasses.NONE);
    assertFalse(checked.getAutoFakeLabel() || checked.hasFakeLabel());
    for (UnlearnSpec.Builder asked : List.of(paper(), UnlearnSpec.newBuilder().setFakeLabel(0),
        UnlearnSpec.newBuilder().setAutoFakeLabel(true),
        UnlearnSpec.newBuilder().setGates(Gates.newBuilder().setMinAucLu(0.4)),
        UnlearnSpec.newBuilder().setKind(UnlearnKind.UNLEARN_KIND_CLASS))) {
      Precondition refusal = assertThrows(Precondition.class,
          () -> UnlearnSpecs.check(asked.build(), alone, RecognisedClasses.NONE));
      assertTrue(refusal.getMessage().contains("'lethe import"), refusal::getMessage);
    }
  }

  /** A shipped or an embedder's network measures, and tells no classes apart: a job of a class would find none. */
  @Test
  void classesNeedANetworkThatTellsThemApart() {
    ModelCard without = new ModelCard(ModelCard.FORMAT_VERSION, "mine", "v1", null, ModelCard.STYLEGAN2, CARD.network(),
        List.of(), Map.of(), new WStatistics(new float[8], new float[0][]), null, null, CARD.sha256());
    UnlearnSpec ofClass = UnlearnSpec.newBuilder().setKind(UnlearnKind.UNLEARN_KIND_CLASS).build();
    Precondition none = assertThrows(Precondition.class,
        () -> UnlearnSpecs.check(ofClass, without, RecognisedClasses.NONE));
    assertTrue(none.getMessage().startsWith("spec.kind: version v1 of mine has a features.onnx that tells no classes "
        + "apart"), none::getMessage);
    assertTrue(none.getMessage().contains("kind ITEM") && none.getMessage().contains("'lethe import --features FILE"),
        none::getMessage);
    UnlearnSpecs.check(UnlearnSpec.getDefaultInstance(), without, RecognisedClasses.NONE);
    UnlearnSpecs.check(ofClass, without, new RecognisedClasses(true, 1000));
    UnlearnSpecs.check(ofClass, without, new RecognisedClasses(true, 0));
    UnlearnSpec named = ofClass.toBuilder().addClasses("a").build();
    for (RecognisedClasses others : List.of(RecognisedClasses.NONE, new RecognisedClasses(true, 1000),
        new RecognisedClasses(true, 0))) {
      Precondition refusal = assertThrows(Precondition.class, () -> UnlearnSpecs.check(named, CARD, others));
      assertTrue(refusal.getMessage().contains("has a features.onnx that tells "), refusal::getMessage);
      // The paper's recipe moves a conditional model by its labels alone.
      UnlearnSpecs.check(named.toBuilder().setRecipe(Recipe.RECIPE_PAPER).build(), CARD, others);
    }
  }

  @Test
  void fitsAndBackgroundsAreChecked() {
    assertEquals(ImageFit.IMAGE_FIT_EXACT, check(UnlearnSpec.newBuilder()).getFit());
    check(UnlearnSpec.newBuilder().setFit(ImageFit.IMAGE_FIT_CROP).setBackground(0xffffff));
    refused("spec.background: is 16777216; it must be", UnlearnSpec.newBuilder().setBackground(0x1000000));
    refused("spec.fit: 9 is not known", UnlearnSpec.newBuilder().setFitValue(9));
  }

  private static UnlearnSpec.Builder paper() {
    return UnlearnSpec.newBuilder().setRecipe(Recipe.RECIPE_PAPER);
  }

  /** With a fake label that min_auc_lu does not contradict. */
  private static UnlearnSpec.Builder gate(String name, double value) {
    Gates.Builder gates = Gates.newBuilder();
    GATES.get(name).accept(gates, value);
    return UnlearnSpec.newBuilder().setFakeLabel(-1).setGates(gates);
  }

  private static UnlearnSpec check(UnlearnSpec.Builder spec) {
    return UnlearnSpecs.check(spec.build(), CARD, new RecognisedClasses(true, 3));
  }

  private static void refused(String part, UnlearnSpec.Builder spec) {
    Invalid refusal = assertThrows(Invalid.class, () -> check(spec));
    assertTrue(refusal.getMessage().startsWith(part), refusal::getMessage);
  }
}
