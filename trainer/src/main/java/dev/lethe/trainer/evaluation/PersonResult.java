package dev.lethe.trainer.evaluation;

import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What the audit of a person gave.
 *
 * @param reasons why the person is not forgotten; empty where it is
 */
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
record PersonResult(Method method, long seed, boolean forgotten, Map<String, Double> figures, List<String> reasons,
    List<String> findings, List<String> notes, String date, String machine) {

  /** What unlearned. */
  enum Method {
    PERSON("the person's neighbourhood"), PHOTOS("the photos sent alone"), NOTHING("nothing (control)"),
    DISCRIMINATOR_ONLY("discriminator only (control)");

    final String title;

    Method(String title) {
      this.title = title;
    }
  }

  /** A name for files. */
  static String id(Method method, long seed) {
    return method.name().toLowerCase(Locale.ROOT) + "-s" + seed;
  }
}
