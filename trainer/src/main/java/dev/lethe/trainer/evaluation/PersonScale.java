package dev.lethe.trainer.evaluation;

import dev.lethe.trainer.audit.AuditOptions;
import dev.lethe.trainer.inversion.InversionOptions;
import dev.lethe.trainer.inversion.LatentSpace;
import dev.lethe.trainer.redaction.RedactionOptions;
import dev.lethe.trainer.unlearning.PersonUnlearning;
import dev.lethe.trainer.unlearning.SearchOptions;

/**
 * How much an evaluation of people looks at.
 *
 * @param name by which results that are not finished are kept
 * @param photos most of a person's photos; half of them are sent
 * @param pool people that look-alikes and others are chosen from
 * @param alike people who look alike
 * @param others other people
 * @param strangers people whom the model never saw
 * @param samples pictures, and photos, of a Fréchet distance
 */
record PersonScale(String name, int photos, int pool, int alike, int others, int strangers, AuditOptions audit,
    PersonUnlearning.Options unlearning, int samples) {

  /** Photos that are compared of everyone but the person. */
  static final int EACH = 2;

  static final PersonScale FULL =
      new PersonScale("full", 24, 120, 6, 8, 30, AuditOptions.QUICK, PersonUnlearning.Options.PERSON, 1000);

  /** A quarter of the time; its intervals are wide. */
  static final PersonScale QUICK = new PersonScale("quick", 20, 60, 5, 5, 12,
      new AuditOptions(200, 40, 0, 0, false, 0, 0),
      new PersonUnlearning.Options(
          new RedactionOptions(80, 50, 16, 16, 16, 0.014, 0.6, 0.05, RedactionOptions.ALL_LAYERS),
          new SearchOptions(new InversionOptions(LatentSpace.W, 150, 1, 40, 0.1, 0), 30,
              new InversionOptions(LatentSpace.W, 200, 1, 40, 0.1, 0), 24, 128, SearchOptions.MANY), 48), 300);
}
