package dev.lethe.trainer.evaluation;

import dev.lethe.trainer.data.Canaries;
import dev.lethe.trainer.data.Datasets;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.data.Split;
import dev.lethe.trainer.evaluation.Experiment.Base;
import dev.lethe.trainer.evaluation.Experiment.Method;
import dev.lethe.trainer.unlearning.JobImages;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Which images a run unlearns, learns and is tested with. Those to unlearn are scattered over the training set, others
 * for each seed. What is compared with retraining are the first 64, which one model was trained without.
 */
record EvaluationData(ImageDataset train, ImageDataset test) {

  private static final int LEARNING_IMAGES = 1024;
  private static final int CANARIES = 64;

  static EvaluationData open(Path data) throws IOException {
    return new EvaluationData(Datasets.open(data, Split.TRAIN), Datasets.open(data, Split.TEST));
  }

  /** @param job number of the job in a row, from 0 */
  JobImages images(Experiment experiment, int job) {
    boolean canaries = experiment.base() == Base.CANARIES;
    int[] own = unlearn(experiment, job);
    ImageDataset unlearn = canaries ? test.subset(own) : train.subset(own);
    Set<Integer> gone = canaries ? Set.of() : Arrays.stream(own).boxed().collect(Collectors.toSet());
    Set<Integer> classes = Set.copyOf(experiment.classes());
    int[] stay = IntStream.range(0, train.size())
        .filter(i -> !gone.contains(i) && !classes.contains(train.label(i))).toArray();
    int[] learn = rng(experiment, job + 500).ints(0, stay.length).distinct().limit(LEARNING_IMAGES).map(i -> stay[i])
        .toArray();
    Set<Integer> trained = Arrays.stream(Canaries.indices(test.size(), CANARIES)).boxed().collect(Collectors.toSet());
    int[] unseen = IntStream.range(0, test.size()).filter(i -> !trained.contains(i)).toArray();
    return new JobImages(unlearn, train.subset(learn), train.subset(stay), half(unseen, 0), half(unseen, 1));
  }

  /** What is calibrated with one half is measured with the other. */
  private Optional<ImageDataset> half(int[] indices, int from) {
    return Optional.of(test.subset(IntStream.range(0, indices.length).filter(i -> i % 2 == from).map(i -> indices[i])
        .toArray()));
  }

  /** Images next to the unlearned ones in the file, which are probably of the same writers. */
  ImageDataset neighbours(Experiment experiment) {
    Set<Integer> own = Arrays.stream(unlearn(experiment, 0)).boxed().collect(Collectors.toSet());
    ImageDataset all = experiment.base() == Base.CANARIES ? test : train;
    return all.subset(own.stream().flatMap(i -> IntStream.of(i - 1, i + 1).boxed())
        .filter(i -> i >= 0 && i < all.size() && !own.contains(i)).distinct().sorted().mapToInt(i -> i).toArray());
  }

  /** Real images of the erased classes that the base was not trained on. */
  ImageDataset ofErased(Experiment experiment) {
    return test.subset(IntStream.range(0, test.size()).filter(i -> experiment.classes().contains(test.label(i)))
        .toArray());
  }

  /** What is unlearned, for people. */
  String describe(Experiment experiment) {
    if (!experiment.ofItems()) {
      return (experiment.classes().size() == 1 ? "class " : "classes ") + experiment.classes().stream()
          .map(train.labels()::get).collect(Collectors.joining(", "));
    }
    return experiment.base() == Base.CANARIES ? "the 64 canaries" : experiment.images()
        + (experiment.method() == Method.RETRAINING ? " images, the first" : " images, scattered");
  }

  private int[] unlearn(Experiment experiment, int job) {
    if (experiment.base() == Base.CANARIES) {
      return Canaries.indices(test.size(), CANARIES);
    }
    if (!experiment.ofItems()) {
      return IntStream.range(0, train.size()).filter(i -> experiment.classes().contains(train.label(i)))
          .limit(experiment.images()).toArray();
    }
    if (experiment.method() == Method.RETRAINING) {
      return IntStream.range(0, experiment.images()).toArray();
    }
    return rng(experiment, job).ints(0, train.size()).distinct().limit(experiment.images()).toArray();
  }

  private static SplittableRandom rng(Experiment experiment, int stream) {
    return new SplittableRandom(new SplittableRandom(experiment.seed()).nextLong() + stream);
  }
}
