package dev.lethe.trainer.evaluation;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * One run of an evaluation.
 *
 * @param images to unlearn; of classes, those of them that are sent, or 0
 * @param classes class indices to unlearn as a whole; empty for single images
 * @param jobs runs in a row, each upon the last one's result and with other images; the first set is what is audited
 */
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
record Experiment(Base base, Method method, int images, List<Integer> classes, SubstituteChoice substitute,
    boolean zeroShot, int jobs, long seed) {

  /** The model that unlearns: the shipped one, or one that memorises 64 canaries. */
  enum Base { SHIPPED, CANARIES }

  /** What is done to it. */
  enum Method {
    LETHE("Lethe's recipe"),
    PAPER("the paper's recipe"),
    NOTHING("nothing (control)"),
    DISCRIMINATOR_ONLY("discriminator only, F = −1 (control)"),
    FINE_TUNING("fine-tuning without them"),
    GRADIENT_ASCENT("gradient ascent"),
    RETRAINING("retraining without them");

    final String title;

    Method(String title) {
      this.title = title;
    }
  }

  /** What takes the place of what is unlearned. */
  enum SubstituteChoice { NEAREST, AVERAGE, TRUNCATION, PROJECTION }

  static Experiment items(int images) {
    return new Experiment(Base.SHIPPED, Method.LETHE, images, List.of(), SubstituteChoice.NEAREST, false, 1, 0);
  }

  /** Without any image of them. */
  static Experiment ofClasses(Integer... classes) {
    return new Experiment(Base.SHIPPED, Method.LETHE, 0, List.of(classes), SubstituteChoice.NEAREST, false, 1, 0);
  }

  Experiment with(Base value) {
    return new Experiment(value, method, images, classes, substitute, zeroShot, jobs, seed);
  }

  Experiment with(Method value) {
    return new Experiment(base, value, images, classes,
        value == Method.PAPER ? SubstituteChoice.AVERAGE : substitute, zeroShot, jobs, seed);
  }

  Experiment with(SubstituteChoice value) {
    return new Experiment(base, method, images, classes, value, zeroShot, jobs, seed);
  }

  Experiment withoutLearningImages() {
    return new Experiment(base, method, images, classes, substitute, true, jobs, seed);
  }

  Experiment inARow(int value) {
    return new Experiment(base, method, images, classes, substitute, zeroShot, value, seed);
  }

  Experiment seed(long value) {
    return new Experiment(base, method, images, classes, substitute, zeroShot, jobs, value);
  }

  @JsonIgnore
  boolean ofItems() {
    return classes.isEmpty();
  }

  /** The same for every seed; a name for files. */
  String group() {
    String what = ofItems() ? "n" + images
        : "classes" + classes.stream().map(String::valueOf).collect(Collectors.joining("-"));
    String of = base == Base.SHIPPED ? "" : name(base) + "-";
    return of + String.join("-", name(method), what, name(substitute), zeroShot ? "zero-shot" : "few-shot",
        "jobs" + jobs);
  }

  String id() {
    return group() + "-s" + seed;
  }

  static String name(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
