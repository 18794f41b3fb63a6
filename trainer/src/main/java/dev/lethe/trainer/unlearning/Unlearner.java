package dev.lethe.trainer.unlearning;

import dev.lethe.models.bundle.ModelCard.WStatistics;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.Compute;
import dev.lethe.trainer.cascade.Cascade;
import dev.lethe.trainer.cascade.CascadeOptions;
import dev.lethe.trainer.cascade.Targets;
import dev.lethe.trainer.cascade.Teacher;
import dev.lethe.trainer.data.Datasets;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.discriminator.FakeLabel;
import dev.lethe.trainer.discriminator.Logits;
import dev.lethe.trainer.inversion.Inversion;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.redaction.RedactionOptions;
import dev.lethe.trainer.resume.Point;
import dev.lethe.trainer.resume.ResumePoints;
import dev.lethe.trainer.sampling.Sampler;
import dev.lethe.trainer.session.ComputeCost;
import dev.lethe.trainer.substitution.AverageSubstitute;
import dev.lethe.trainer.substitution.NearestSubstitute;
import dev.lethe.trainer.substitution.RetainedLatents;
import dev.lethe.trainer.substitution.StandIns;
import dev.lethe.trainer.substitution.SubstitutePool;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Takes what a request names out of a model's networks: finds it, chooses what takes its place, runs the recipe.
 *
 * @param root the version that no unlearning has touched, which says what stays; the model itself where it is that
 * @param original the model
 * @param statistics of its latents
 * @param gone classes that earlier versions have unlearned
 * @param how redactions look for latents
 * @param resume what is worked out is kept here
 * @param directory for training sessions' files
 */
public record Unlearner(ModelWeights root, ModelWeights original, WStatistics statistics, Set<Integer> gone,
    SearchOptions how, ResumePoints resume, Path directory, Compute compute) {

  /** Looks as hard as usual, and keeps nothing. */
  public Unlearner(ModelWeights root, ModelWeights original, WStatistics statistics, Set<Integer> gone, Path directory,
      Compute compute) {
    this(root, original, statistics, gone, SearchOptions.DEFAULT, ResumePoints.none(), directory, compute);
  }

  /**
   * What came out.
   *
   * @param candidate the model that has unlearned
   * @param substitutes what takes the place of single images, [N, C, H, W]; empty of classes
   * @param learned what must stay: the learning images, or generated ones where there are none
   * @param fakeLabel F, the mean over images; empty of a model without a discriminator
   * @param iterations that the candidate's generator has had
   * @param diverged the generator's losses exploded after that
   * @param seconds that it took, without finding
   * @param costs of the networks' steps by part: generator, discriminator; of a cascade both together
   * @param notes what else is worth knowing, in sentences
   */
  public record Outcome(ModelWeights candidate, Optional<Tensor> substitutes, ImageDataset learned,
      OptionalDouble fakeLabel, int iterations,
      boolean diverged, double seconds, Map<String, ComputeCost> costs, List<String> notes) {}

  /**
   * Finds what a request names, and what stays.
   *
   * @throws IllegalArgumentException if the request does not fit the model or the images
   */
  public UnlearningTargets find(UnlearningRequest request, ImageDataset images, Inversion.Progress progress)
      throws IOException {
    long started = System.nanoTime();
    Finder finder = new Finder(original, gone, resume, directory, compute, request.seed());
    UnlearningTargets found;
    if (request.subject() instanceof UnlearningRequest.Items items) {
      found = finder.items(images, items, request.inversion(), progress);
    } else {
      found = original.config().conditional() ? finder.classes(images, request.subject().classes())
          : finder.lookalikes(images);
    }
    return found.in((System.nanoTime() - started) / 1e9);
  }

  /**
   * Unlearns what was found.
   *
   * @throws GuardedCascade.DivergedException if a cascade diverges before there is a state worth keeping
   * @throws IllegalArgumentException if the recipe needs a discriminator and the model has none
   */
  public Outcome unlearn(UnlearningRequest request, JobImages images, UnlearningTargets found,
      UnlearningProgress progress) throws IOException {
    long started = System.nanoTime();
    StandIns standIns = StandIns.choose(original, request.subject().classes(), gone, request.seed(), compute);
    Forgotten forgotten = forgetMemorised(request, images, found,
        progress.part(0, UnlearningProgress.FORGETTING));
    UnlearningProgress rest = forgotten.model == original ? progress : progress.from(UnlearningProgress.FORGETTING);
    Teacher teacher = Teacher.of(forgotten.model, found.kept(), found.keptLabels(), compute);
    ImageDataset generated = Datasets.of(images.learn().labels(), teacher.images(), teacher.labels());
    // One image says nothing of how those that stay are spread, and Fréchet distances are of that.
    ImageDataset learned = images.learn().size() > 1 ? images.learn() : generated;
    Optional<Tensor> fakeLabels =
        original.hasDiscriminator() ? Optional.of(fakeLabels(request, forgotten.model, images, found, teacher))
        : Optional.empty();
    Outcome outcome;
    if (request.recipe() instanceof UnlearningRequest.Paper paper) {
      outcome = cascade(request, paper.options(), images, found, teacher, learned, standIns,
          fakeLabels.orElseThrow(() ->
              new IllegalArgumentException("the model has no discriminator, which recipe PAPER "
              + "trains beside the generator; use recipe LETHE")), rest.part(0, 1));
    } else {
      RedactionOptions options = ((UnlearningRequest.Lethe) request.recipe()).options();
      outcome = redact(request, options, forgotten.model, images, found, generated, learned, standIns, fakeLabels,
          rest);
    }
    return new Outcome(new LabelErasure(standIns).of(outcome.candidate), outcome.substitutes, learned,
        fakeLabels.map(labels -> OptionalDouble.of(mean(labels.data()))).orElse(OptionalDouble.empty()),
        outcome.iterations, outcome.diverged, (System.nanoTime() - started) / 1e9, outcome.costs,
        Stream.concat(forgotten.note.stream(), outcome.notes.stream()).toList());
  }

  /**
   * A model that draws no more by itself what is to be unlearned.
   *
   * @param note what that took, or why it was not done; empty where there was nothing to do
   */
  private record Forgotten(ModelWeights model, Optional<String> note) {}

  private Forgotten forgetMemorised(UnlearningRequest request, JobImages images, UnlearningTargets found,
      GuardedCascade.Progress progress) throws IOException {
    if (!(request.recipe() instanceof UnlearningRequest.Lethe)
        || !(request.subject() instanceof UnlearningRequest.Items)) {
      return new Forgotten(original, Optional.empty());
    }
    int memorised = new Memorised(original, request.seed(), compute).of(found.images(), images.kept());
    if (memorised == 0) {
      return new Forgotten(original, Optional.empty());
    }
    String drawn = "the generator draws " + memorised + " of the " + found.images().size() + " images by itself, far "
        + "nearer than to any other image: it has memorised them";
    if (!original.hasDiscriminator() || request.zeroShot()
        || images.kept().size() < AdversarialForgetting.LEAST) {
      return new Forgotten(original, Optional.of(drawn + ". To take that out it has to be trained on with its "
          + "discriminator and " + AdversarialForgetting.LEAST + " or more learning images; without, what an attacker "
          + "who knows the images finds is redacted, and samples may still show them"));
    }
    ModelWeights model = resume.once("forgetting", point -> original.with(point.tensors()),
        trained -> JobPoints.run(original, trained, 0, false, ComputeCost.NONE, List.of()),
        () -> new AdversarialForgetting(original, AdversarialForgetting.KIMG, request.seed(),
            directory.resolve("forgetting"), compute).run(found.images(), images.kept(), progress));
    return new Forgotten(model, Optional.of(drawn + ", and was trained on without them first"));
  }

  private Outcome redact(UnlearningRequest request, RedactionOptions options, ModelWeights start, JobImages images,
      UnlearningTargets found, ImageDataset generated, ImageDataset learned, StandIns standIns,
          Optional<Tensor> fakeLabels,
      UnlearningProgress progress) throws IOException {
    double generatorShare = fakeLabels.isPresent() ? UnlearningProgress.GENERATOR : 1;
    GuardedCascade.Progress ofGenerator = progress.part(0, generatorShare);
    RedactionRun.Guard guard = guard(request, start, found, learned);
    ImageDataset anchors = request.zeroShot() ? generated
        : staying(learned, request.subject().classes()).orElse(generated);
    RedactionRun.Result generator;
    Optional<Tensor> substitutes = Optional.empty();
    if (request.subject() instanceof UnlearningRequest.Items) {
      substitutes = Optional.of(substitutes(request, images, found, standIns));
      Tensor instead = substitutes.get();
      generator = once("generator", start, () -> new ItemRedaction(root, original, start,
          options.forImages(found.images().size()), how, request.seed(), resume, directory.resolve("generator"),
          compute).run(found, instead, anchors, images.kept(), guard, ofGenerator));
    } else {
      generator = once("generator", start, () -> new ClassRedaction(root, original, options, how, standIns,
          request.seed(), resume, directory.resolve("generator"), compute)
          .run(found, images.unlearn(), anchors, guard, ofGenerator));
    }
    List<String> notes = new ArrayList<>(generator.notes());
    original.featuresInstead().ifPresent(notes::add);
    if (fakeLabels.isEmpty()) {
      notes.add("the model has no discriminator: only its generator unlearned, and what a discriminator could tell of "
          + "membership was not measured");
      return new Outcome(generator.model(), substitutes, learned, OptionalDouble.empty(), generator.steps(),
          generator.diverged(), 0, Map.of("generator", generator.cost()), notes);
    }
    List<ImageDataset> stay = new ArrayList<>(List.of(generated));
    if (!request.zeroShot()) {
      stay.add(images.learn());
      images.calibration().ifPresent(stay::add);
    }
    boolean unseenIsLikened = request.fakeLabel() instanceof FakeLabel.Auto
        && request.subject() instanceof UnlearningRequest.Items;
    Tensor labels = fakeLabels.get();
    DiscriminatorRun.Result discriminator = resume.once("discriminator",
        point -> new DiscriminatorRun.Result(point.tensors(), JobPoints.cost(point), point.texts()),
        result -> new Point(result.weights(), JobPoints.cost(result.cost()), result.notes(), new byte[0]),
        () -> new DiscriminatorRun(start, request.seed(), directory.resolve("discriminator"), compute)
            .run(found.images(), labels, stay, unseenIsLikened ? images.calibration() : Optional.empty(),
                progress.part(generatorShare, 1)));
    Map<String, Tensor> weights = new HashMap<>(generator.model().weights());
    weights.putAll(discriminator.weights());
    notes.addAll(discriminator.notes());
    return new Outcome(start.with(weights), substitutes, learned, OptionalDouble.empty(), generator.steps(),
        generator.diverged(), 0,
        Map.of("generator", generator.cost(), "discriminator", discriminator.cost()), notes);
  }

  /** Without classes that are erased, which the root still draws; empty if nothing is left. */
  private Optional<ImageDataset> staying(ImageDataset images, Set<Integer> erased) {
    int[] stay = IntStream.range(0, images.size()).filter(i -> !original.config().conditional()
        || !gone.contains(images.label(i)) && !erased.contains(images.label(i))).toArray();
    return stay.length == 0 ? Optional.empty() : Optional.of(images.subset(stay));
  }

  private RedactionRun.Result once(String name, ModelWeights start, ResumePoints.Work<RedactionRun.Result> run)
      throws IOException {
    return resume.once(name, point -> JobPoints.redaction(start, point), result -> JobPoints.of(start, result), run);
  }

  private RedactionRun.Guard guard(UnlearningRequest request, ModelWeights start, UnlearningTargets found,
      ImageDataset learned) {
    if (request.bounds().isEmpty()) {
      return state -> Optional.empty();
    }
    Guard guard = new Guard(request.bounds().get(), start, found.images(), learned, request.seed(), compute);
    return state -> {
      Guard.Values measured = guard.measure(state);
      return guard.admits(measured) ? Optional.empty() : Optional.of(guard.objection(measured));
    };
  }

  private Outcome cascade(UnlearningRequest request, CascadeOptions options, JobImages images,
      UnlearningTargets found, Teacher teacher, ImageDataset learned, StandIns standIns, Tensor fakeLabels,
      GuardedCascade.Progress progress) throws IOException {
    ImageDataset unlearn = found.images();
    Tensor substitutes = substitutes(request, images, found, standIns);
    Targets targets = new Targets(unlearn.images(), unlearn.classIndices(), fakeLabels, found.latents(), substitutes);
    RedactionRun.Result result = once("cascade", original, () -> {
      Optional<Guard> guard = request.bounds().map(bounds ->
          new Guard(bounds, original, unlearn, learned, request.seed(), compute));
      try (Cascade cascade = Cascade.open(original, options, targets, teacher,
          request.zeroShot() ? Optional.empty() : Optional.of(images.learn()), directory.resolve("cascade"), compute)) {
        GuardedCascade.Result run = new GuardedCascade(cascade, original, guard).run(options.iterations(), progress);
        return new RedactionRun.Result(run.model(), run.iterations(), run.diverged(), cascade.cost(), run.notes());
      }
    });
    return new Outcome(result.model(), request.subject() instanceof UnlearningRequest.Items
        ? Optional.of(substitutes) : Optional.empty(), learned, OptionalDouble.empty(), result.steps(),
            result.diverged(), 0,
        Map.of("cascade", result.cost()), result.notes());
  }

  /** @param model whose discriminator is to learn them */
  private Tensor fakeLabels(UnlearningRequest request, ModelWeights model, JobImages images, UnlearningTargets found,
      Teacher teacher) {
    int[] labels = found.images().classIndices();
    float[] values = request.fakeLabel().of(labels, () -> usual(model, images, teacher), request.seed());
    return Tensor.of(values, labels.length, 1);
  }

  /**
   * What the discriminator says of images that it has not learned: never seen ones, or else generated ones, which look
   * to a discriminator that is not too sure of itself much like them.
   */
  private Logits usual(ModelWeights model, JobImages images, Teacher teacher) {
    return images.calibration()
        .map(unseen -> Logits.of(model, unseen.images(), unseen.classIndices(), compute))
        .orElseGet(() -> Logits.of(model, teacher.images(), teacher.labels(), compute));
  }

  private Tensor substitutes(UnlearningRequest request, JobImages images, UnlearningTargets found, StandIns standIns) {
    try (Sampler sampler = Sampler.open(original.config(), original.weights(), compute)) {
      if (request.substitute().isEmpty() && request.subject() instanceof UnlearningRequest.Items) {
        return NearestSubstitute.choose(found.images().images(), found.images().classIndices(), images.kept(),
            new SubstitutePool(sampler, request.seed())).images();
      }
      RetainedLatents kept = new RetainedLatents(statistics, standIns, found.kept(), found.keptLabels());
      return sampler.images(request.substitute().orElseGet(AverageSubstitute::new)
          .latents(found.latents(), found.labels(), kept));
    }
  }

  private static double mean(float[] values) {
    return IntStream.range(0, values.length).mapToDouble(i -> values[i]).average().orElseThrow();
  }
}
