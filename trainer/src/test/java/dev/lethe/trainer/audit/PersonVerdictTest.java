package dev.lethe.trainer.audit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.graph.Tensor;
import dev.lethe.trainer.audit.PersonFindings.Likeness;
import dev.lethe.trainer.audit.PersonSubjects.Group;
import java.util.EnumMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class PersonVerdictTest {

  private static final Likeness STAYS = likeness(0.3, 0.29, 0.3);
  private static final Likeness STRANGERS = likeness(0.2, 0.2, 0.2);

  @Test
  void aPersonWhoIsDrawnNowhereIsForgotten() {
    assertTrue(verdict(likeness(0.35, 0.02, 0.18), likeness(0.35, 0.03, 0.19), STAYS, 0).forgotten());
  }

  @Test
  void photosThatWereNotSentCount() {
    Verdict verdict = verdict(likeness(0.35, 0.0, 0.1), likeness(0.35, 0.3, 0.1), STAYS, 0);
    assertEquals(1, verdict.reasons().size());
    assertTrue(verdict.reasons().get(0).startsWith("redaction: "), verdict.line());
  }

  @Test
  void latentsFoundAfreshCount() {
    Verdict verdict = verdict(likeness(0.35, 0.0, 0.1), likeness(0.35, 0.0, 0.3), STAYS, 0);
    assertEquals(1, verdict.reasons().size());
    assertTrue(verdict.reasons().get(0).startsWith("deletion: "), verdict.line());
  }

  @Test
  void othersWhoGoAlongCount() {
    Verdict verdict = verdict(likeness(0.35, 0.0, 0.1), likeness(0.35, 0.0, 0.1), likeness(0.3, 0.1, 0.3), 0);
    assertEquals(2, verdict.reasons().size());
    assertTrue(verdict.reasons().stream().allMatch(reason -> reason.startsWith("collateral: ")), verdict.line());
  }

  @Test
  void aModelThatIsSpoiltIsNoSuccess() {
    assertTrue(verdict(likeness(0.35, 0.0, 0.1), likeness(0.35, 0.0, 0.1), STAYS, 0.2).reasons().get(0)
        .startsWith("utility: "));
  }

  @Test
  void whereThereWasNothingToForgetItSaysSo() {
    assertTrue(verdict(likeness(0.2, 0.0, 0.1), likeness(0.2, 0.0, 0.1), STAYS, 0).findings().stream()
        .anyMatch(finding -> finding.contains("no better than people whom it never saw")));
    assertTrue(verdict(likeness(0.35, 0.0, 0.1), likeness(0.35, 0.0, 0.1), STAYS, 0).findings().stream()
        .noneMatch(finding -> finding.contains("no better than people whom it never saw")));
  }

  private static Verdict verdict(Likeness sent, Likeness notSent, Likeness stays, double fidIncrease) {
    Map<Group, Likeness> likenesses = new EnumMap<>(Map.of(Group.SENT, sent, Group.NOT_SENT, notSent, Group.ALIKE,
        stays,
        Group.OTHERS, stays, Group.STRANGERS, STRANGERS));
    Estimate chance = new Estimate(0, -0.05, 0.05);
    Tensor none = Tensor.zeros(1, 1, 1, 1);
    return PersonVerdict.of(new PersonFindings(likenesses, new BeforeAfter<>(chance, chance),
        new PersonFindings.Pictures(none, none, none, none), 1), fidIncrease);
  }

  private static Likeness likeness(double before, double same, double again) {
    return new Likeness(around(0.6), around(before), around(same), around(again), new BeforeAfter<>(0.1, 0.1));
  }

  private static Estimate around(double value) {
    return new Estimate(value, value - 0.05, value + 0.05);
  }
}
