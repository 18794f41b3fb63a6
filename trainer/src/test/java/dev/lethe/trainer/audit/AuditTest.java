package dev.lethe.trainer.audit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.graph.OnnxWriter;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.TestDevice;
import dev.lethe.trainer.TinyModel;
import dev.lethe.trainer.data.Datasets;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.features.FeatureExtractor;
import dev.lethe.trainer.metrics.PrecisionRecall;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.sampling.Sampler;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Both audits, and the Fréchet distance, of a model that did nothing and of one that did something. */
class AuditTest {

  private static final AuditOptions OPTIONS = new AuditOptions(8, 4, 5, 5, false, 300, 0);
  private static final ModelWeights MODEL = TinyModel.of(3);

  @TempDir
  private Path directory;

  @Test
  void ofItemsDoingNothingChangesNothingAndIsNotForgotten() throws IOException {
    List<Double> shares = new ArrayList<>();
    ItemFindings found = items(MODEL, 1, OPTIONS, shares);
    assertEquals(found.fresh().before(), found.fresh().after());
    assertEquals(found.own().before(), found.own().after());
    assertArrayEquals(new double[4], found.freshWays());
    assertEquals(0, found.members().orElseThrow().moved().value());
    assertEquals(0, found.unseen().orElseThrow().way().value());
    assertFalse(Verdict.of(found, OptionalDouble.empty(), OptionalDouble.of(0), Verdict.Bounds.DEFAULT).forgotten());
    assertEquals(1, shares.get(shares.size() - 1), 1e-9);
    assertTrue(found.wPlus().isEmpty());
  }

  @Test
  void ofItemsAChangedModelDiffersAndTheSeedDecides() throws IOException {
    ModelWeights changed = changed();
    ItemFindings found = items(changed, 1, OPTIONS, new ArrayList<>());
    assertTrue(found.unseen().orElseThrow().moved().value() > 0.01);
    assertNotEquals(0, found.freshWay().value());
    ItemFindings again = items(changed, 1, OPTIONS, new ArrayList<>());
    assertArrayEquals(found.freshWays(), again.freshWays(), 1e-6);
    assertArrayEquals(found.errorsAfter(), again.errorsAfter(), 1e-6);
    assertEquals(found.fresh(), again.fresh());
  }

  @Test
  void ofItemsLooksInWPlusWhereAskedTo() throws IOException {
    ItemFindings found = items(MODEL, 1, new AuditOptions(4, 2, 2, 2, true, 300, 40), new ArrayList<>());
    assertEquals(found.wPlus().orElseThrow().fresh().before(), found.wPlus().orElseThrow().fresh().after());
    BeforeAfter<Membership> bySamples = found.bySamples().orElseThrow().distance();
    assertEquals(bySamples.before(), bySamples.after());
  }

  @Test
  void ofClassesDoingNothingChangesNothingAndTheSeedDecides() throws IOException {
    ClassFindings found = classes(MODEL, TinyModel.unlearned(3, 4));
    for (BeforeAfter<Estimate> share : List.of(found.label(), found.former(), found.around(), found.kept())) {
      assertEquals(share.before(), share.after());
    }
    assertTrue(found.reinverted().isPresent());
    ClassFindings again = classes(MODEL, TinyModel.unlearned(3, 4));
    assertEquals(found.around(), again.around());
    assertEquals(found.label(), again.label());
    assertTrue(classes(changed(), TinyModel.unlearned(3, 0)).reinverted().isEmpty());
  }

  /** A classifier that takes everything for one class: all ways lead to it, or none does. */
  @Test
  void ofClassesCountsWhatTheClassifierSees() throws IOException {
    Map<String, Tensor> biased = new HashMap<>(MODEL.weights());
    biased.replaceAll((name, tensor) -> name.startsWith("F.") ? Tensor.zeros(tensor.shape()) : tensor);
    try (FeatureExtractor constant = FeatureExtractor.open(
        OnnxWriter.inference(MODEL.features().graph(), biased), TestDevice.compute())) {
      int always = constant.run(TinyModel.unlearned(3, 1).images()).predictions()[0];
      ClassAudit audit =
          new ClassAudit(MODEL, constant, OPTIONS, 12, 1, directory, TestDevice.compute());
      int other = (always + 1) % 3;
      int third = (always + 2) % 3;
      ImageDataset none = TinyModel.unlearned(3, 0);
      ClassFindings all = audit.run(MODEL, Set.of(always), new int[] {other, third}, none, share -> { });
      assertEquals(1, all.former().after().value());
      assertEquals(1, all.around().after().value());
      assertEquals(0, all.kept().after().value());
      assertFalse(Verdict.of(all, OptionalDouble.empty(), Verdict.Bounds.DEFAULT).forgotten());
      ClassFindings nothing = audit.run(MODEL, Set.of(other), new int[] {always, third}, none, share -> { });
      assertEquals(0, nothing.label().after().value());
      assertEquals(0.5, nothing.kept().after().value());
      assertTrue(Verdict.of(nothing, OptionalDouble.empty(), Verdict.Bounds.DEFAULT).forgotten());
    }
  }

  @Test
  void utilityOfTheRootIsThatOfTheRoot() {
    ImageDataset kept = TinyModel.learned(3, 200);
    Utility utility = new Utility(MODEL, kept, Utility.labels(kept), 200, 1, TestDevice.compute());
    BeforeAfter<Double> same = utility.of(MODEL);
    assertEquals(same.before(), same.after());
    BeforeAfter<Double> changed = utility.of(changed());
    assertEquals(same.before(), changed.before());
    assertNotEquals(same.before(), changed.after());
    assertArrayEquals(new int[] {0, 1, 2}, Utility.labels(kept));
  }

  /** Real images that the root itself has drawn: it has them all, and a generator of one picture nearly none. */
  @Test
  void utilityInFullSaysWhatSamplesAreWorth() {
    int[] labels = TinyModel.learned(3, 300).classIndices();
    ImageDataset kept;
    PrecisionRecall expected;
    try (Sampler sampler = Sampler.open(MODEL.config(), MODEL.weights(), TestDevice.compute());
        FeatureExtractor extractor = FeatureExtractor.open(MODEL, TestDevice.compute())) {
      kept = Datasets.of(TinyModel.learned(3, 3).labels(), sampler.images(labels, new SplittableRandom(7)), labels);
      FeatureExtractor.Outputs real = extractor.run(kept);
      FeatureExtractor.Outputs drawn = extractor.run(sampler.images(labels, new SplittableRandom(1)));
      expected = PrecisionRecall.of(new PrecisionRecall.Vectors(real.features().data(), real.width()),
          new PrecisionRecall.Vectors(drawn.features().data(), real.width()));
    }
    Utility utility = new Utility(MODEL, kept, Utility.labels(kept), 300, 1, TestDevice.compute());
    Map<String, Tensor> none = new HashMap<>(MODEL.weights());
    none.replaceAll((name, tensor) ->
        MODEL.config().isSynthesis(name) ? Tensor.zeros(tensor.shape()) : tensor);
    ModelWeights blank = MODEL.with(none);
    UtilityFindings found = utility.inFull(blank, Optional.empty());
    assertEquals(utility.of(blank), found.fid());
    BeforeAfter<PrecisionRecall> coverage = found.coverage().orElseThrow();
    assertEquals(expected, coverage.before());
    assertTrue(coverage.before().recall() > 0.5 && coverage.after().recall() < 0.1, coverage.toString());
    // Three labels, and one picture for all of them.
    assertEquals(1 / 3.0, found.recognised().orElseThrow().after(), 1e-9);
  }

  @Test
  void samplesAreRecognisedByTheJudgeWhereThereIsOne() {
    ImageDataset kept = TinyModel.learned(3, 60);
    Map<String, Tensor> biased = new HashMap<>(MODEL.weights());
    biased.replaceAll((name, tensor) -> name.startsWith("F.") ? Tensor.zeros(tensor.shape()) : tensor);
    try (FeatureExtractor constant = FeatureExtractor.open(
        OnnxWriter.inference(MODEL.features().graph(), biased), TestDevice.compute())) {
      int always = constant.run(kept).predictions()[0];
      assertEquals(1, new Utility(MODEL, kept, new int[] {always}, 60, 1, TestDevice.compute())
          .inFull(changed(), Optional.of(constant)).recognised().orElseThrow().after());
      assertEquals(0, new Utility(MODEL, kept, new int[] {(always + 1) % 3}, 60, 1, TestDevice.compute())
          .inFull(changed(), Optional.of(constant)).recognised().orElseThrow().before());
    }
    ModelWeights unconditional = TinyModel.of(0);
    assertTrue(new Utility(unconditional, kept, new int[] {0}, 60, 1, TestDevice.compute())
        .inFull(unconditional, Optional.empty()).recognised().isEmpty());
  }

  /** Fine-tuning comes last, so that it changes nothing of what else an audit draws by chance. */
  @Test
  void ofItemsLetsAttackersFineTuneWhereAskedTo() throws IOException {
    AuditOptions without = new AuditOptions(4, 2, 2, 2, false, 300, 0);
    AuditOptions with = new AuditOptions(4, 2, 2, 2, false, 300, 0, 3);
    List<Double> shares = new ArrayList<>();
    ItemFindings found = items(changed(), 1, with, shares, Optional.of(MODEL));
    assertEquals(1, shares.get(shares.size() - 1), 1e-9);
    Relearned relearned = found.relearned().orElseThrow();
    assertEquals(3, relearned.limit());
    // What the audit sees there before the first step is what it saw without fine-tuning.
    assertEquals(1 - found.fresh().after().value(), relearned.candidate().staying().back().before().value(), 1e-9);
    assertEquals(1 - found.apart().after().value(), relearned.candidate().staying().close().before().value(), 1e-9);
    assertEquals(2, relearned.candidate().given().orElseThrow().images());
    // The reference is the original here, which draws there what it drew.
    assertEquals(1 - found.fresh().before().value(),
        relearned.reference().orElseThrow().staying().back().before().value(), 1e-9);
    ItemFindings plain = items(changed(), 1, without, new ArrayList<>(), Optional.of(MODEL));
    assertTrue(plain.relearned().isEmpty());
    assertArrayEquals(plain.errorsAfter(), found.errorsAfter(), 1e-6);
    assertEquals(0, AuditOptions.QUICK.relearning());
    assertEquals(100, AuditOptions.FULL.inW().relearning());
  }

  @Test
  void imagesAlikeAreOfTheSameClassesInTheSameProportions() {
    ImageDataset others = TinyModel.unlearned(3, 12);
    ImageDataset twoOfThree = others.subset(new int[] {0, 3, 6, 1});
    ImageDataset alike = ItemSubjects.alike(TinyModel.learned(3, 60), twoOfThree, 8);
    assertEquals(8, alike.size());
    assertEquals(6, Arrays.stream(alike.classIndices()).filter(c -> c == 0).count());
    assertEquals(2, Arrays.stream(alike.classIndices()).filter(c -> c == 1).count());
  }

  /** Against itself the reference takes away all that distances tell. */
  @Test
  void ofItemsCalibratesByAReference() throws IOException {
    ItemFindings found = items(MODEL, 1, new AuditOptions(4, 2, 2, 2, false, 300, 40), new ArrayList<>(),
        Optional.of(MODEL));
    assertEquals(0.5, found.bySamples().orElseThrow().calibrated().orElseThrow().after().auc().value(), 1e-6);
  }

  private ItemFindings items(ModelWeights candidate, long seed, AuditOptions options, List<Double> shares)
      throws IOException {
    return items(candidate, seed, options, shares, Optional.empty());
  }

  private ItemFindings items(ModelWeights candidate, long seed, AuditOptions options, List<Double> shares,
      Optional<ModelWeights> reference) throws IOException {
    ImageDataset unlearned = TinyModel.unlearned(3, 4);
    Tensor own;
    try (Sampler sampler = Sampler.open(MODEL.config(), MODEL.weights(), TestDevice.compute())) {
      own = sampler.latents(unlearned.classIndices(), new SplittableRandom(3));
    }
    ImageDataset right = TinyModel.learned(3, 20);
    ItemSubjects subjects = new ItemSubjects(unlearned, own, Optional.empty(), right.subset(0, 1, 2, 3, 4, 5),
        right.subset(10, 11, 12, 13, 14, 15), right).against(reference);
    return new ItemAudit(MODEL, options, seed, directory, TestDevice.compute())
        .run(candidate, subjects, shares::add);
  }

  private ClassFindings classes(ModelWeights candidate, ImageDataset real) throws IOException {
    try (FeatureExtractor classifier = FeatureExtractor.open(
        OnnxWriter.inference(MODEL.features().graph(), MODEL.weights()), TestDevice.compute())) {
      return new ClassAudit(MODEL, classifier, OPTIONS, 24, 1, directory, TestDevice.compute())
          .run(candidate, Set.of(1), new int[] {0, 2}, real, share -> { });
    }
  }

  /** The last layer of another model's synthesis network. */
  private static ModelWeights changed() {
    Map<String, Tensor> weights = new HashMap<>();
    for (String name : List.of("G.synthesis.b32.conv1.weight", "G.synthesis.b32.torgb.weight")) {
      Tensor before = MODEL.weights().get(name);
      float[] data = before.data().clone();
      for (int i = 0; i < data.length; i++) {
        data[i] = -data[i];
      }
      weights.put(name, Tensor.of(data, before.shape()));
    }
    return MODEL.with(weights);
  }
}
