package dev.lethe.server.unlearning;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.v1.BeforeAfter;
import dev.lethe.v1.Gates;
import dev.lethe.v1.UnlearnReport;
import java.util.List;
import org.junit.jupiter.api.Test;

class PromotionGatesTest {

  private static final Gates GATES =
      Gates.newBuilder().setMinAucLu(0.9).setMaxFidLIncrease(0.15).setMinAcc(0.97).build();

  private static final UnlearnReport FORGOTTEN = UnlearnReport.newBuilder().setVerdict("forgotten").build();

  @Test
  void limitsThemselvesPass() {
    assertEquals(List.of(), PromotionGates.failures(GATES, report(0.9, 8, 9.2, 0.97)));
  }

  @Test
  void eachGateFailsAlone() {
    assertEquals(List.of("auc_lu is 0.89; gate min_auc_lu is 0.9"),
        PromotionGates.failures(GATES, report(0.89, 8, 8, 1)));
    assertEquals(List.of("fid_l is 9.3, and was 8.0 before; gate max_fid_l_increase is 0.15"),
        PromotionGates.failures(GATES, report(1, 8, 9.3, 1)));
    assertEquals(List.of("acc is 0.96; gate min_acc is 0.97"), PromotionGates.failures(GATES, report(1, 8, 8, 0.96)));
  }

  @Test
  void noNumberPassesNoGate() {
    assertEquals(3, PromotionGates.failures(GATES, report(Double.NaN, 8, Double.NaN, Double.NaN)).size());
    assertEquals(3, PromotionGates.failures(GATES, FORGOTTEN).size());
  }

  @Test
  void whatDivergedIsNotPromoted() {
    UnlearnReport diverged = report(1, 8, 8, 1).toBuilder().setDiverged(true).addNotes("it went up").build();
    assertEquals(List.of("the run diverged: it went up"), PromotionGates.failures(Gates.getDefaultInstance(),
        diverged));
  }

  @Test
  void whatIsNotForgottenIsNotPromotedUnlessAskedTo() {
    UnlearnReport report = report(1, 8, 8, 1).toBuilder().setVerdict("not forgotten").addReasons("it is still drawn")
        .addReasons("and tells").build();
    assertEquals(List.of("the verdict is not forgotten: it is still drawn; and tells. To promote it all the same, "
        + "activate the version, or submit with promote_not_forgotten"), PromotionGates.failures(GATES, report));
    assertEquals(List.of(),
        PromotionGates.failures(GATES.toBuilder().setPromoteNotForgotten(true).build(), report));
    assertEquals(1, PromotionGates.failures(GATES.toBuilder().setPromoteNotForgotten(true).build(),
        report.toBuilder().setDiverged(true).build()).size());
    assertEquals(List.of(),
        PromotionGates.failures(GATES, report.toBuilder().clearReasons().setVerdict("forgotten").build()));
  }

  @Test
  void withoutGatesWhatIsForgottenPasses() {
    assertTrue(PromotionGates.failures(Gates.getDefaultInstance(), FORGOTTEN).isEmpty());
    assertTrue(PromotionGates.failures(Gates.getDefaultInstance(), UnlearnReport.getDefaultInstance()).get(0)
        .startsWith("there is no verdict"));
  }

  private static UnlearnReport report(double auc, double fidBefore, double fidAfter, double acc) {
    return FORGOTTEN.toBuilder()
        .setAucLu(BeforeAfter.newBuilder().setAfter(auc))
        .setFidL(BeforeAfter.newBuilder().setBefore(fidBefore).setAfter(fidAfter))
        .setAcc(BeforeAfter.newBuilder().setAfter(acc))
        .build();
  }
}
