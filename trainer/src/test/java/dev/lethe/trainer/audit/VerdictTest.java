package dev.lethe.trainer.audit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.graph.Tensor;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

class VerdictTest {

  private static final Verdict.Bounds BOUNDS = new Verdict.Bounds(0.95, 0.9, 0.25, 0.01, 0.1, 0.15);
  private static final OptionalDouble NONE = OptionalDouble.empty();

  @Test
  void limitsThemselvesAreForgotten() {
    Verdict verdict = Verdict.of(items(0.95, 0.9, 0.25, auc(0.7, 0.6, 0.8), 64), OptionalDouble.of(0.6),
        OptionalDouble.of(0.15), BOUNDS);
    assertTrue(verdict.forgotten(), verdict.line());
    assertTrue(verdict.line().startsWith("forgotten: redaction by seed, z and w: "), verdict.line());
  }

  @Test
  void eachReasonCountsAlone() {
    reason("redaction: at the job's own latents 94 %", items(0.94, 1, 0, auc(0.5), 64), NONE, NONE);
    reason("redaction: at latents that the audit found in the original 89 %", items(1, 0.89, 0, auc(0.5), 64), NONE,
        NONE);
    reason("collateral: images that stay went 0.26 of the way", items(1, 1, 0.26, auc(0.5), 64), NONE, NONE);
    reason("deletion: the generator still draws unlearned images with less error",
        items(1, 1, 0, auc(0.7, 0.61, 0.8), 64), NONE, NONE);
    reason("deletion: unlearned images stand out", items(1, 1, 0, auc(0.3, 0.2, 0.39), 64), NONE, NONE);
    reason("deletion: the discriminator tells", items(1, 1, 0, auc(0.5), 10_000), OptionalDouble.of(0.62), NONE);
    reason("deletion: the discriminator tells", items(1, 1, 0, auc(0.5), 10_000), OptionalDouble.of(0.38), NONE);
    reason("utility: the Fréchet distance is 1.16 times the root version's", items(1, 1, 0, auc(0.5), 64), NONE,
        OptionalDouble.of(0.16));
  }

  @Test
  void aControlThatDidNothingIsNotForgotten() {
    Verdict verdict = Verdict.of(items(0.02, 0.05, 0, auc(0.58, 0.5, 0.66), 64), OptionalDouble.of(0.5),
        OptionalDouble.of(0), BOUNDS);
    assertFalse(verdict.forgotten());
    assertEquals(2, verdict.reasons().size(), verdict.line());
    assertTrue(verdict.line().startsWith("not forgotten: redaction: "), verdict.line());
  }

  /** The same AUC that many images make certain tells nothing of a few. */
  @Test
  void fewImagesAreJudgedByTheirIntervals() {
    assertTrue(verdict(items(1, 1, 0, auc(0.75, 0.5, 0.95), 4), NONE, NONE).forgotten());
    assertFalse(verdict(items(1, 1, 0, auc(0.75, 0.72, 0.78), 4000), NONE, NONE).forgotten());
    // Resampling a single image gives the same figure each time, which makes it no surer.
    assertTrue(verdict(items(1, 1, 0, auc(0.95), 1), NONE, NONE).forgotten());
    assertTrue(verdict(items(1, 1, 0, auc(0.5), 4), OptionalDouble.of(0.75), NONE).forgotten());
    assertFalse(verdict(items(1, 1, 0, auc(0.5), 4000), OptionalDouble.of(0.75), NONE).forgotten());
  }

  @Test
  void whatIsNotKnownIsSaid() {
    Verdict verdict = verdict(items(1, 1, 0, Optional.empty(), 4), NONE, NONE);
    assertTrue(verdict.forgotten());
    assertTrue(verdict.line().contains("deletion was not measured"), verdict.line());
  }

  /** Of one or two images even an AUC of 1 is chance: silence would pass for a proof. */
  @Test
  void whatCannotBeJudgedIsSaid() {
    String words = "whether they are deleted cannot be judged";
    assertTrue(verdict(items(1, 1, 0, auc(1), 1), NONE, NONE).line().contains(words));
    assertTrue(verdict(items(1, 1, 0, auc(1), 2), NONE, NONE).line().contains(words));
    assertFalse(verdict(items(1, 1, 0, auc(0.5), 3), NONE, NONE).line().contains(words));
    assertTrue(verdict(items(1, 1, 0, auc(1), 2), NONE, NONE).forgotten(), "no AUC of two images is sure");
    assertFalse(verdict(items(1, 1, 0, auc(1), 3), NONE, NONE).forgotten());
    assertTrue(verdict(items(1, 1, 0, auc(0.5), 4), NONE, NONE).line().contains("still good for was not measured"));
    assertTrue(verdict(items(1, 1, 0, auc(0.5), 4), NONE, OptionalDouble.of(0.02)).line().contains("1.02 times"));
    assertTrue(Verdict.of(classes(0, 0, 0), NONE, BOUNDS).line().contains("still good for was not measured"));
  }

  @Test
  void whatIsNoNumberHoldsNothing() {
    double nan = Double.NaN;
    for (Verdict verdict : List.of(verdict(items(nan, 1, 0, auc(0.5), 64), NONE, NONE),
        verdict(items(1, nan, 0, auc(0.5), 64), NONE, NONE), verdict(items(1, 1, nan, auc(0.5), 64), NONE, NONE),
        verdict(items(1, 1, 0, auc(0.5), 64), OptionalDouble.of(nan), NONE),
        verdict(items(1, 1, 0, auc(0.5), 64), NONE, OptionalDouble.of(nan)),
        verdict(items(1, 1, 0, auc(nan), 64), NONE, NONE),
        Verdict.of(classes(nan, 0, 0), NONE, BOUNDS), Verdict.of(classes(0, 0, 0), OptionalDouble.of(nan), BOUNDS))) {
      assertEquals(1, verdict.reasons().size(), verdict.line());
    }
  }

  @Test
  void theClassesThatStayAreJudged() {
    ClassFindings found = new ClassFindings(share(1, 0), share(1, 0), share(1, 0), Optional.empty(),
        share(0.99, 0.93), 1);
    Verdict verdict = Verdict.of(found, NONE, BOUNDS);
    assertEquals(1, verdict.reasons().size(), verdict.line());
    assertTrue(verdict.reasons().get(0).startsWith("collateral: of what the labels that stay"), verdict.line());
  }

  /** The share that counts is one of substitutes that the job chose itself. */
  @Test
  void whatNoSubstituteDecidesIsTold() {
    String line = verdict(items(1, 0.92, 0, auc(0.5), 64), NONE, NONE).line();
    assertTrue(line.contains("92 % are drawn there no nearer to the image than its nearest other real image")
        && line.contains("at least 1.20 times as far"), line);
    assertTrue(line.contains("w+ (a w for each layer) was not measured"), line);
  }

  /** Redaction is easy of what was never drawn: a model of random weights passes. */
  @Test
  void imagesThatTheOriginalNeverDrewAreCounted() {
    // Errors of 0.1 and 0.6 beside substitutes at 4 and mean colours at 1; of 0.1 beside a mean colour at 0.16.
    Tensor images = Tensor.of(new float[] {1, -1, -1, 1, 0.4f, -0.4f}, 3, 1, 1, 2);
    Tensor substitutes = Tensor.of(new float[] {-1, 1, 1, -1, -2, 2}, 3, 1, 1, 2);
    ItemFindings found = items(1, 1, 0, auc(0.5), new double[] {0.1, 0.6, 0.1},
        new ItemFindings.Pictures(images, images, images, images, substitutes));
    Verdict verdict = verdict(found, NONE, NONE);
    assertTrue(verdict.line().contains("the original drew 1 of the 3 images"), verdict.line());
    assertFalse(verdict(items(1, 1, 0, auc(0.5), 2), NONE, NONE).line().contains("the original drew"));
  }

  @Test
  void ofClassesEachWayToThemCounts() {
    assertTrue(Verdict.of(classes(0.01, 0.01, 0.01), OptionalDouble.of(0.15), BOUNDS).forgotten());
    for (ClassFindings found : new ClassFindings[] {classes(0.02, 0, 0), classes(0, 0.02, 0), classes(0, 0, 0.02)}) {
      Verdict verdict = Verdict.of(found, NONE, BOUNDS);
      assertEquals(1, verdict.reasons().size(), verdict.line());
      assertTrue(verdict.line().contains("2.0 % are recognised as an erased class"), verdict.line());
    }
    assertEquals(3, Verdict.of(classes(1, 1, 1), NONE, BOUNDS).reasons().size());
    assertEquals(1, Verdict.of(classes(0, 0, 0), OptionalDouble.of(0.2), BOUNDS).reasons().size());
  }

  private static void reason(String start, ItemFindings found, OptionalDouble aucUt, OptionalDouble fidIncrease) {
    Verdict verdict = verdict(found, aucUt, fidIncrease);
    assertEquals(1, verdict.reasons().size(), verdict.line());
    assertTrue(verdict.reasons().get(0).startsWith(start), verdict.line());
    assertFalse(verdict.forgotten());
  }

  private static Verdict verdict(ItemFindings found, OptionalDouble aucUt, OptionalDouble fidIncrease) {
    return Verdict.of(found, aucUt, fidIncrease, BOUNDS);
  }

  private static Optional<Estimate> auc(double value) {
    return auc(value, value, value);
  }

  private static Optional<Estimate> auc(double value, double low, double high) {
    return Optional.of(new Estimate(value, low, high));
  }

  private static Estimate exactly(double value) {
    return new Estimate(value, value, value);
  }

  private static BeforeAfter<Estimate> share(double before, double after) {
    return new BeforeAfter<>(exactly(before), exactly(after));
  }

  private static ItemFindings items(double own, double fresh, double collateral, Optional<Estimate> auc, int images) {
    Tensor none = Tensor.zeros(0, 1, 1, 1);
    return items(own, fresh, collateral, auc, new double[images],
        new ItemFindings.Pictures(none, none, none, none, none));
  }

  private static ItemFindings items(double own, double fresh, double collateral, Optional<Estimate> auc,
      double[] errorsBefore, ItemFindings.Pictures pictures) {
    int images = errorsBefore.length;
    ItemFindings.Collateral members =
        new ItemFindings.Collateral(exactly(collateral), exactly(collateral), exactly(0));
    return new ItemFindings(share(0, own), share(0, fresh), share(0, fresh), share(0, fresh), exactly(own),
        exactly(fresh),
        exactly(fresh), Optional.of(members), Optional.empty(),
        auc.map(after -> new BeforeAfter<>(new Membership(exactly(0.6), exactly(0)),
            new Membership(after, exactly(0)))),
        Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(), errorsBefore, new double[images],
        Optional.empty(),
        new boolean[images], new double[images], 1.2, pictures, 1);
  }

  private static ClassFindings classes(double label, double former, double around) {
    return new ClassFindings(share(1, label), share(1, former), share(1, around), Optional.empty(), share(1, 1), 1);
  }
}
