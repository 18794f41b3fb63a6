package dev.lethe.trainer.evaluation;

import dev.lethe.trainer.data.Datasets;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.data.Split;
import dev.lethe.trainer.evaluation.Cell.Base;
import dev.lethe.trainer.evaluation.Cell.Kind;
import dev.lethe.trainer.unlearning.JobImages;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Which images a run unlearns, learns and is tested with. Those to unlearn are the first of the training set, the next
 * ones for the next seed: so that a model retrained without the first 64 images ({@code train gan --skip 64}) is one
 * that never saw what seed 0 unlearns.
 */
record EvaluationData(ImageDataset train, ImageDataset test) {

  /** Distance between the images that two seeds unlearn. */
  private static final int APART = 256;
  private static final int LEARNING_IMAGES = 1024;
  private static final int TEST_IMAGES = 2000;
  /** Training images of the overfitted base. */
  private static final int OVERFITTED = 1000;
  /** Distance between the images that two seeds unlearn from it. */
  private static final int OVERFITTED_APART = 64;
  /** Class that seed 0 unlearns; other seeds unlearn the next ones. */
  private static final int FIRST_CLASS = 7;

  static EvaluationData open(Path data) throws IOException {
    return new EvaluationData(Datasets.open(data, Split.TRAIN), Datasets.open(data, Split.TEST));
  }

  JobImages images(Cell cell) {
    int[] unlearn = unlearn(cell);
    Set<Integer> classes = classes(cell);
    int end = cell.base() == Base.OVERFITTED ? OVERFITTED : train.size();
    int from = cell.base() == Base.OVERFITTED ? 0 : Suite.SEEDS * APART;
    int own = cell.base() == Base.OVERFITTED ? unlearn[0] : -1;
    int[] learn = new SplittableRandom(cell.seed()).ints(from, end).distinct().limit(end - from)
        .filter(i -> own < 0 || i < own || i >= own + unlearn.length)
        .filter(i -> !classes.contains(train.label(i)))
        .limit(Math.min(LEARNING_IMAGES, end - from - unlearn.length)).toArray();
    int tests = Math.min(TEST_IMAGES, test.size() / 2);
    return new JobImages(train.subset(unlearn), train.subset(learn),
        Optional.of(test.subset(IntStream.range(0, tests).toArray())),
        Optional.of(test.subset(IntStream.range(tests, 2 * tests).toArray())));
  }

  /** Class indices that are unlearned as a whole. */
  Set<Integer> classes(Cell cell) {
    return cell.kind() == Kind.CLASS ? Set.of((int) ((FIRST_CLASS + cell.seed()) % train.classes())) : Set.of();
  }

  /** What is unlearned, for people. */
  String describe(Cell cell) {
    if (cell.kind() == Kind.CLASS) {
      return "class " + train.labels().get(classes(cell).iterator().next());
    }
    int[] unlearn = unlearn(cell);
    return "training images " + unlearn[0] + " to " + unlearn[unlearn.length - 1];
  }

  private int[] unlearn(Cell cell) {
    if (cell.kind() == Kind.CLASS) {
      Set<Integer> classes = classes(cell);
      return IntStream.range(0, train.size()).filter(i -> classes.contains(train.label(i))).limit(cell.images())
          .toArray();
    }
    int from = (int) cell.seed() * (cell.base() == Base.OVERFITTED ? OVERFITTED_APART : APART);
    return IntStream.range(from, from + cell.images()).toArray();
  }
}
