package dev.lethe.server.unlearning;

import dev.lethe.v1.BeforeAfter;
import dev.lethe.v1.Gates;
import dev.lethe.v1.UnlearnReport;
import java.util.ArrayList;
import java.util.List;

/** What a candidate must have reached to be promoted. */
final class PromotionGates {

  private static final String FORGOTTEN = "forgotten";

  private PromotionGates() {}

  /** Why the candidate of this report may not be promoted, one reason for each gate that it fails; empty if it may. */
  static List<String> failures(Gates gates, UnlearnReport report) {
    List<String> failures = new ArrayList<>();
    if (report.getDiverged()) {
      failures.add("the run diverged: " + String.join(" ", report.getNotesList()));
    }
    if (!gates.getPromoteNotForgotten() && !report.getVerdict().equals(FORGOTTEN)) {
      failures.add((report.getVerdict().isEmpty() ? "there is no verdict: what the run came to could not be measured"
          : "the verdict is not forgotten: " + String.join("; ", report.getReasonsList()))
          + ". To promote it all the same, activate the version, or submit with promote_not_forgotten");
    }
    // A comparison with NaN is false, so a value that is no number passes no gate.
    if (gates.hasMinAucLu() && !(report.hasAucLu() && report.getAucLu().getAfter() >= gates.getMinAucLu())) {
      failures.add("auc_lu" + measured(report.hasAucLu(), report.getAucLu()) + "; gate min_auc_lu is "
          + gates.getMinAucLu());
    }
    if (gates.hasMaxFidLIncrease()) {
      double limit = report.getFidL().getBefore() * (1 + gates.getMaxFidLIncrease());
      if (!(report.hasFidL() && report.getFidL().getAfter() <= limit)) {
        failures.add("fid_l" + measured(report.hasFidL(), report.getFidL()) + ", and was "
            + report.getFidL().getBefore() + " before; gate max_fid_l_increase is " + gates.getMaxFidLIncrease());
      }
    }
    if (gates.hasMinAcc() && !(report.hasAcc() && report.getAcc().getAfter() >= gates.getMinAcc())) {
      failures.add("acc" + measured(report.hasAcc(), report.getAcc()) + "; gate min_acc is " + gates.getMinAcc());
    }
    return failures;
  }

  private static String measured(boolean was, BeforeAfter value) {
    return was ? " is " + value.getAfter() : " was not measured";
  }
}
