package dev.lethe.trainer.evaluation;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import dev.lethe.trainer.session.Effort;
import dev.lethe.trainer.unlearning.Measured;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * What a run gave.
 *
 * @param unlearned what was unlearned, for people
 * @param seconds that it took
 * @param findingSeconds the part of that which looking for the latents took
 * @param retrainSeconds what retraining would take, by a burst measured right after the run
 * @param fakeLabel mean of F over images
 * @param audit mean errors of inverting the unlearned images before and after, and images never seen; null if not tried
 * @param efforts of the cascade, by part: inversion, generator, discriminator
 * @param limit multiply-add pairs a second of a large matrix product, measured in the same evaluation
 * @param curve measures on the way
 */
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
@JsonInclude(JsonInclude.Include.NON_NULL)
public record CellResult(Cell cell, String unlearned, double seconds, double findingSeconds, double retrainSeconds,
    double fakeLabel, Values before, Values after, Audit audit, Map<String, Effort> efforts, double limit,
    List<Point> curve, String date, String machine) {

  /** What {@link Measured} is of, as plain numbers; null where it was not measured. */
  @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Values(double aucLu, Double aucUt, Double aucLt, double fidL, double fidU, Double acc,
      Double erasedRecognised, Double formerRecognised, Double keptRecognised) {

    static Values of(Measured measured) {
      return new Values(measured.aucLu(), number(measured.aucUt()), number(measured.aucLt()), measured.fidL(),
          measured.fidU(), number(measured.accuracy()), number(measured.erasedRecognised()),
          number(measured.formerRecognised()), number(measured.keptRecognised()));
    }

    private static Double number(OptionalDouble value) {
      return value.isPresent() ? value.getAsDouble() : null;
    }
  }

  /** Mean squared errors. */
  @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
  public record Audit(double unlearnedBefore, double unlearnedAfter, double neverSeen) {}

  /** A measure on the way. */
  @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
  public record Point(int iteration, double seconds, double aucLu, double fidL) {}

  double speedup() {
    return retrainSeconds / seconds;
  }

  double fidRatio() {
    return after.fidL() / before.fidL();
  }
}
