package dev.lethe.trainer.evaluation;

import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import dev.lethe.trainer.cascade.CascadeOptions;
import java.util.Locale;

/**
 * One run of the grid.
 *
 * @param images to unlearn; of classes, those that the discriminator unlearns, 0 for images that the generator makes
 * @param fakeLabel a number, or {@code auto}
 * @param measures checks on the way, for curves; 0 for none
 * @param thorough whether to invert the unlearned images again, and to train a classifier on generated images
 */
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
public record Cell(Base base, Method method, Kind kind, Mode mode, SubstituteChoice substitute, String fakeLabel,
    double lambda2, int iterations, int images, int measures, boolean thorough, long seed) {

  /** The model that unlearns. */
  public enum Base { MNIST, OVERFITTED }

  /** What is done to it. */
  public enum Method { CASCADE, FINE_TUNING, GRADIENT_ASCENT, RETRAINING }

  /** What is unlearned. */
  public enum Kind { ITEM, CLASS }

  /** What the discriminator relearns from. */
  public enum Mode { FEW_SHOT, ZERO_SHOT }

  /** What takes the place of what is unlearned. */
  public enum SubstituteChoice { AVERAGE, TRUNCATION, PROJECTION }

  static final String AUTO = "auto";

  /** The usual choice of everything: 64 images, few-shot. */
  static Cell item() {
    return new Cell(Base.MNIST, Method.CASCADE, Kind.ITEM, Mode.FEW_SHOT, SubstituteChoice.AVERAGE, "-1",
        CascadeOptions.ITEMS.lambda2(), CascadeOptions.ITEMS.iterations(), 64, 0, false, 0);
  }

  /** A whole class, with 256 images of it. */
  static Cell ofClass() {
    return item().with(Kind.CLASS).iterations(CascadeOptions.CLASSES.iterations()).images(256);
  }

  Cell with(Base value) {
    return new Cell(value, method, kind, mode, substitute, fakeLabel, lambda2, iterations, images, measures, thorough,
        seed);
  }

  Cell with(Method value) {
    return new Cell(base, value, kind, mode, substitute, fakeLabel, lambda2, iterations, images, measures, thorough,
        seed);
  }

  Cell with(Kind value) {
    return new Cell(base, method, value, mode, substitute, fakeLabel, lambda2, iterations, images, measures, thorough,
        seed);
  }

  Cell with(Mode value) {
    return new Cell(base, method, kind, value, substitute, fakeLabel, lambda2, iterations, images, measures, thorough,
        seed);
  }

  Cell with(SubstituteChoice value) {
    return new Cell(base, method, kind, mode, value, fakeLabel, lambda2, iterations, images, measures, thorough, seed);
  }

  Cell fakeLabel(String value) {
    return new Cell(base, method, kind, mode, substitute, value, lambda2, iterations, images, measures, thorough, seed);
  }

  Cell lambda2(double value) {
    return new Cell(base, method, kind, mode, substitute, fakeLabel, value, iterations, images, measures, thorough,
        seed);
  }

  Cell iterations(int value) {
    return new Cell(base, method, kind, mode, substitute, fakeLabel, lambda2, value, images, measures, thorough, seed);
  }

  Cell images(int value) {
    return new Cell(base, method, kind, mode, substitute, fakeLabel, lambda2, iterations, value, measures, thorough,
        seed);
  }

  Cell measures(int value) {
    return new Cell(base, method, kind, mode, substitute, fakeLabel, lambda2, iterations, images, value, thorough,
        seed);
  }

  Cell thoroughly() {
    return new Cell(base, method, kind, mode, substitute, fakeLabel, lambda2, iterations, images, measures, true,
        seed);
  }

  Cell seed(long value) {
    return new Cell(base, method, kind, mode, substitute, fakeLabel, lambda2, iterations, images, measures, thorough,
        value);
  }

  /** The same for every seed; a name for files. */
  String group() {
    if (method != Method.CASCADE) {
      return name(base) + "-" + name(method) + "-" + images;
    }
    return String.join("-", name(base), name(kind), name(mode), name(substitute), "f" + fakeLabel, "l" + lambda2,
        "i" + iterations, "n" + images, measures > 0 ? "curve" : "end");
  }

  String id() {
    return group() + "-s" + seed;
  }

  static String name(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
