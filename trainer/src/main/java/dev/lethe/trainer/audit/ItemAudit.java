package dev.lethe.trainer.audit;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.Compute;
import dev.lethe.trainer.audit.ItemFindings.BySamples;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.features.ModelRunner;
import dev.lethe.trainer.inversion.Inversion;
import dev.lethe.trainer.inversion.LatentSpace;
import dev.lethe.trainer.metrics.NearestSamples;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.sampling.Sampler;
import dev.lethe.trainer.substitution.NearestSubstitute;
import dev.lethe.trainer.substitution.SubstitutePool;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Audits a generator that was to unlearn single images, as one who distrusts it would: with seeds of its own, and
 * latents that it looks for itself, harder than the job did. It takes nothing from the job but the latents that the job
 * went by, and the substitutes that it has put in the images' place, whose distance from the images it measures.
 *
 * @param original the model before
 * @param directory for training sessions' files
 */
public record ItemAudit(ModelWeights original, AuditOptions options, long seed, Path directory, Compute compute) {

  /** Told how far the audit is, from 0 to 1. */
  public interface Progress {
    void done(double share);
  }

  /** Images, what an attack on the original found for them, and what should take their place. */
  private record Group(ImageDataset images, Tensor substitutes, double[] nearestOther, Inversion.Result found,
      Tensor drawn) {}

  /** Audits a candidate. */
  public ItemFindings run(ModelWeights candidate, ItemSubjects subjects, Progress progress) throws IOException {
    long started = System.nanoTime();
    ImageDataset members = first(subjects.members(), options.staying());
    ImageDataset neverSeen = first(subjects.neverSeen(), options.neverSeen());
    try (ModelRunner runner = new ModelRunner(compute)) {
      Attacks attacks = new Attacks(runner, progress, parts(subjects));
      Sampler before = runner.sampler(original);
      Sampler after = runner.sampler(candidate);
      SubstitutePool pool = new SubstitutePool(before, seed);
      NearestSubstitute chosen = NearestSubstitute.choose(subjects.unlearned().images(),
          subjects.unlearned().classIndices(), subjects.kept(), pool);
      NearestSubstitute substitutes = subjects.substitutes()
          .map(given -> chosen.replacedBy(given, subjects.unlearned().images())).orElse(chosen);
      Group unlearned = group(subjects.unlearned(), substitutes, before, attacks);
      Tensor x = unlearned.images.images();
      Tensor own = subjects.ownLatents();
      Drawing atOwn = Drawing.of(x, unlearned.substitutes, before.images(own), after.images(own));
      Drawing atOwnBefore = Drawing.of(x, unlearned.substitutes, before.images(own), before.images(own));
      Drawing fresh = Drawing.of(x, unlearned.substitutes, unlearned.drawn, after.images(unlearned.found.w()));
      Drawing freshBefore = Drawing.of(x, unlearned.substitutes, unlearned.drawn, unlearned.drawn);
      Inversion.Result again = attacks.on(candidate, unlearned.images, LatentSpace.W);
      Tensor redrawn = after.images(again.w());
      Drawing inCandidate = Drawing.of(x, unlearned.substitutes, unlearned.drawn, redrawn);
      Optional<Group> stay = groupOf(members, subjects.kept(), before, attacks, pool);
      Optional<Group> unseen = groupOf(neverSeen, subjects.kept(), before, attacks, pool);
      Optional<BeforeAfter<Membership>> membership = Optional.empty();
      Optional<Estimate> calibrated = Optional.empty();
      Optional<Double> unseenError = Optional.empty();
      Optional<BySamples> bySamples = Optional.empty();
      if (unseen.isPresent()) {
        Inversion.Result unseenAgain = attacks.on(candidate, neverSeen, LatentSpace.W);
        unseenError = Optional.of(unseenAgain.meanError());
        membership = Optional.of(new BeforeAfter<>(
            Membership.of(unlearned.found.errors(), unseen.get().found.errors(), seed),
            Membership.of(again.errors(), unseenAgain.errors(), seed)));
        calibrated = Optional.of(Membership.of(
            difference(again.errors(), unlearned.found.errors()),
            difference(unseenAgain.errors(), unseen.get().found.errors()), seed).auc());
        if (options.nearest() > 0) {
          bySamples = Optional.of(bySamples(subjects, neverSeen, runner, candidate));
        }
      }
      Optional<ItemFindings.WPlus> wPlus = options.wPlus() && unseen.isPresent()
          ? Optional.of(wPlus(candidate, unlearned, neverSeen, before, after, attacks)) : Optional.empty();
      Optional<Relearned> relearned = options.relearning() > 0 && members.size() > 0
          ? Optional.of(relearned(candidate, subjects.reference(), members, unlearned, again.w(), unseen, attacks))
          : Optional.empty();
      return new ItemFindings(
          beforeAfter(atOwnBefore, atOwn), beforeAfter(freshBefore, fresh), beforeAfter(freshBefore, inCandidate),
          new BeforeAfter<>(Estimate.share(freshBefore.farther(chosen.nearestOther()), seed),
              Estimate.share(fresh.farther(chosen.nearestOther()), seed)),
          Estimate.mean(atOwn.way(), seed), Estimate.mean(fresh.way(), seed), Estimate.mean(inCandidate.way(), seed),
          stay.map(group -> collateral(group, after)), unseen.map(group -> collateral(group, after)), membership,
          calibrated, bySamples, wPlus, relearned, unlearned.found.errors(), again.errors(), unseenError,
          fresh.nearer(), fresh.way(), substituteDistance(substitutes), new ItemFindings.Pictures(x, unlearned.drawn,
              after.images(unlearned.found.w()), redrawn, unlearned.substitutes),
          (System.nanoTime() - started) / 1e9);
    }
  }

  /** One draw of samples serves both kinds of images: there are many, and drawing them is what takes the time. */
  private BySamples bySamples(ItemSubjects subjects, ImageDataset neverSeen, ModelRunner runner,
      ModelWeights candidate) {
    ImageDataset unlearned = subjects.unlearned();
    Tensor images = unlearned.images().then(neverSeen.images());
    int[] labels = IntStream.concat(IntStream.of(unlearned.classIndices()), IntStream.of(neverSeen.classIndices()))
        .toArray();
    double[] before = nearestSample(runner.sampler(original), images, labels);
    double[] after = nearestSample(runner.sampler(candidate), images, labels);
    int n = unlearned.size();
    return new BySamples(new BeforeAfter<>(membership(before, n), membership(after, n)),
        subjects.reference().map(model -> {
          double[] expected = nearestSample(runner.sampler(model), images, labels);
          return new BeforeAfter<>(membership(ratio(before, expected), n), membership(ratio(after, expected), n));
        }));
  }

  private double[] nearestSample(Sampler sampler, Tensor images, int[] labels) {
    return NearestSamples.errors(sampler, images, labels, original.config().classes(), options.nearest(), seed);
  }

  /** Of errors of so many unlearned images, and then of those never seen. */
  private Membership membership(double[] errors, int unlearned) {
    return Membership.of(Arrays.copyOf(errors, unlearned), Arrays.copyOfRange(errors, unlearned, errors.length), seed);
  }

  private ItemFindings.WPlus wPlus(ModelWeights candidate, Group unlearned, ImageDataset neverSeen, Sampler before,
      Sampler after, Attacks attacks) throws IOException {
    Inversion.Result found = attacks.on(original, unlearned.images, LatentSpace.W_PLUS);
    Inversion.Result again = attacks.on(candidate, unlearned.images, LatentSpace.W_PLUS);
    Inversion.Result unseen = attacks.on(original, neverSeen, LatentSpace.W_PLUS);
    Inversion.Result unseenAgain = attacks.on(candidate, neverSeen, LatentSpace.W_PLUS);
    Tensor x = unlearned.images.images();
    Tensor drawn = before.images(found.w());
    return new ItemFindings.WPlus(
        beforeAfter(Drawing.of(x, unlearned.substitutes, drawn, drawn),
            Drawing.of(x, unlearned.substitutes, drawn, after.images(found.w()))),
        beforeAfter(Drawing.of(x, unlearned.substitutes, drawn, drawn),
            Drawing.of(x, unlearned.substitutes, drawn, after.images(again.w()))),
        new BeforeAfter<>(Membership.of(found.errors(), unseen.errors(), seed),
            Membership.of(again.errors(), unseenAgain.errors(), seed)));
  }

  /** @param again latents of the unlearned images in the candidate */
  private Relearned relearned(ModelWeights candidate, Optional<ModelWeights> reference, ImageDataset members,
      Group unlearned, Tensor again, Optional<Group> unseen, Attacks attacks) throws IOException {
    Relearned.Attackers on = fineTuned(candidate, again, members, unlearned, unseen, attacks);
    Optional<Relearned.Attackers> onReference = Optional.empty();
    if (reference.isPresent()) {
      Tensor there = attacks.on(reference.get(), unlearned.images, LatentSpace.W).w();
      onReference = Optional.of(fineTuned(reference.get(), there, members, unlearned, unseen, attacks));
    }
    return new Relearned(options.relearning(), on, onReference);
  }

  /** @param there latents of the unlearned images in the model */
  private Relearned.Attackers fineTuned(ModelWeights model, Tensor there, ImageDataset members, Group unlearned,
      Optional<Group> unseen, Attacks attacks) throws IOException {
    Tensor staying = attacks.on(model, members, LatentSpace.W).w();
    return new Relearning(model, options.relearning(), seed, directory, compute).run(
        new Relearning.Pairs(staying, members.images()), new Relearning.Pairs(there, unlearned.images.images()),
        watched(unlearned), unseen.map(ItemAudit::watched), attacks.part());
  }

  private static Relearning.Watched watched(Group group) {
    return new Relearning.Watched(group.found.w(), group.images.images(), group.substitutes, group.nearestOther);
  }

  /** Searches and fine-tunings of both kinds, where there are images of all kinds. */
  private int parts(ItemSubjects subjects) {
    int relearning = options.relearning() == 0 ? 0 : subjects.reference().isPresent() ? 5 : 2;
    return 5 + (options.wPlus() ? 4 : 0) + relearning;
  }

  private BeforeAfter<Estimate> beforeAfter(Drawing before, Drawing after) {
    return new BeforeAfter<>(Estimate.share(before.nearer(), seed), Estimate.share(after.nearer(), seed));
  }

  private ItemFindings.Collateral collateral(Group group, Sampler after) {
    Drawing drawing =
        Drawing.of(group.images.images(), group.substitutes, group.drawn, after.images(group.found.w()));
    return new ItemFindings.Collateral(Estimate.mean(drawing.way(), seed), Estimate.mean(drawing.moved(), seed),
        Estimate.share(drawing.nearer(), seed));
  }

  private Optional<Group> groupOf(ImageDataset images, ImageDataset kept, Sampler before, Attacks attacks,
      SubstitutePool pool) throws IOException {
    if (images.size() == 0) {
      return Optional.empty();
    }
    return Optional.of(group(images,
        NearestSubstitute.choose(images.images(), images.classIndices(), kept, pool), before, attacks));
  }

  private Group group(ImageDataset images, NearestSubstitute substitutes, Sampler before, Attacks attacks)
      throws IOException {
    Inversion.Result found = attacks.on(original, images, LatentSpace.W);
    return new Group(images, substitutes.images(), substitutes.nearestOther(), found, before.images(found.w()));
  }

  /** Least over images of the substitute's distance, as a multiple of that to the image's nearest other real image. */
  private static double substituteDistance(NearestSubstitute substitutes) {
    return IntStream.range(0, substitutes.distances().length)
        .mapToDouble(i -> substitutes.distances()[i] / substitutes.nearestOther()[i]).min().orElseThrow();
  }

  private static double[] ratio(double[] a, double[] b) {
    return IntStream.range(0, a.length).mapToDouble(i -> a[i] / b[i]).toArray();
  }

  private static double[] difference(double[] a, double[] b) {
    return IntStream.range(0, a.length).mapToDouble(i -> a[i] - b[i]).toArray();
  }

  private static ImageDataset first(ImageDataset images, int most) {
    int[] spread = IntStream.range(0, Math.min(most, images.size()))
        .map(i -> (int) ((long) i * images.size() / Math.min(most, images.size()))).toArray();
    return images.subset(spread);
  }

  /** Inversions, each with a seed of its own, and what else takes its time. */
  private final class Attacks {

    private final ModelRunner runner;
    private final Progress progress;
    private final int expected;
    private int made;

    Attacks(ModelRunner runner, Progress progress, int expected) {
      this.runner = runner;
      this.progress = progress;
      this.expected = expected;
    }

    Inversion.Result on(ModelWeights model, ImageDataset images, LatentSpace space) throws IOException {
      Progress part = part();
      return new Inversion(model, options.attack(space), runner)
          .invert(images.images(), images.classIndices(), directory, new SplittableRandom(seed + made).nextLong(),
              (step, steps, error) -> part.done((double) step / steps));
    }

    /** Of the next of the parts. */
    Progress part() {
      int number = made++;
      return share -> progress.done(Math.min(1, (number + share) / expected));
    }
  }
}
