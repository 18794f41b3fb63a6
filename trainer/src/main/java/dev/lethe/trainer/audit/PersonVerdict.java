package dev.lethe.trainer.audit;

import dev.lethe.trainer.audit.PersonFindings.Likeness;
import dev.lethe.trainer.audit.PersonSubjects.Group;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Says whether a person is forgotten. What counts are the photos that the job did not have. */
public final class PersonVerdict {

  /** Most of their likeness that people who stay may lose. */
  private static final double COLLATERAL = 0.25;
  /** Most that a Fréchet distance may rise, as a share of the root's. */
  private static final double FID_INCREASE = 0.1;

  private PersonVerdict() {}

  /** @param fidIncrease of the Fréchet distance over the root's, as a share of it */
  public static Verdict of(PersonFindings found, double fidIncrease) {
    List<String> wrong = new ArrayList<>();
    List<String> findings = new ArrayList<>();
    Likeness person = found.of(Group.NOT_SENT);
    Likeness strangers = found.of(Group.STRANGERS);
    double chance = found.chance().before().high();
    if (person.same().value() > chance) {
      wrong.add(text("redaction: at latents that the audit found in the original, what is drawn of the photos that "
          + "were "
          + "not sent is like the person by %.2f; what is drawn of strangers is by %.2f at most", person.same().value(),
          chance));
    }
    if (person.again().value() > strangers.again().high()) {
      wrong.add(text("deletion: at latents found afresh in the candidate, the photos that were not sent are drawn "
          + "with a "
          + "likeness of %.2f; people whom the model never saw with %.2f at most", person.again().value(),
          strangers.again().high()));
    }
    for (Group group : new Group[] {Group.ALIKE, Group.OTHERS}) {
      if (found.lost(group) > COLLATERAL) {
        wrong.add(text("collateral: %s lost %.0f %% of their likeness at latents of theirs, above %.0f %%",
            group == Group.ALIKE ? "people who look alike" : "other people", 100 * found.lost(group),
            100 * COLLATERAL));
      }
    }
    if (fidIncrease > FID_INCREASE) {
      wrong.add(text("utility: the Fréchet distance is %.2f times the root version's, above %.2f", 1 + fidIncrease,
          1 + FID_INCREASE));
    }
    findings.add(text("likeness of the photos that were not sent: %.2f before, %.2f at the same latents, %.2f at "
        + "latents "
        + "found afresh; of those that were sent %.2f, %.2f, %.2f; the photos' own with each other %.2f",
        person.before().value(), person.same().value(), person.again().value(),
        found.of(Group.SENT).before().value(), found.of(Group.SENT).same().value(),
        found.of(Group.SENT).again().value(), person.real().value()));
    if (person.before().value() <= strangers.before().high()) {
      findings.add(text("the original drew the person no better than people whom it never saw (%.2f; theirs up to "
          + "%.2f): "
          + "there was no more of this person in it than of anyone", person.before().value(),
          strangers.before().high()));
    }
    return new Verdict(wrong, findings);
  }

  private static String text(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }
}
