package dev.lethe.trainer.evaluation;

import dev.lethe.trainer.audit.BeforeAfter;
import dev.lethe.trainer.audit.ClassFindings;
import dev.lethe.trainer.audit.Estimate;
import dev.lethe.trainer.audit.ItemFindings;
import dev.lethe.trainer.audit.Membership;
import dev.lethe.trainer.audit.PersonFindings;
import dev.lethe.trainer.audit.Relearned;
import dev.lethe.trainer.audit.UtilityFindings;
import dev.lethe.trainer.metrics.PrecisionRecall;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** An audit's findings as named numbers; an interval's ends have {@code _low} and {@code _high} after the name. */
final class Figures {

  private final Map<String, Double> all = new LinkedHashMap<>();

  Figures add(String name, double value) {
    all.put(name, value);
    return this;
  }

  private void add(String name, Estimate estimate) {
    add(name, estimate.value()).add(name + "_low", estimate.low()).add(name + "_high", estimate.high());
  }

  private void change(String name, BeforeAfter<Estimate> figure) {
    add(name + "_before", figure.before().value());
    add(name, figure.after());
  }

  private void membership(String name, BeforeAfter<Membership> membership) {
    change(name, new BeforeAfter<>(membership.before().auc(), membership.after().auc()));
    add(name + "_tpr_before", membership.before().truePositiveRate().value());
    add(name + "_tpr", membership.after().truePositiveRate());
  }

  Figures add(ItemFindings found) {
    change("own", found.own());
    change("fresh", found.fresh());
    change("candidate", found.candidate());
    change("apart", found.apart());
    add("own_way", found.ownWay());
    add("fresh_way", found.freshWay());
    add("candidate_way", found.candidateWay());
    add("worst_way", found.freshWays()[found.worst()]);
    found.members().ifPresent(members -> collateral("members", members));
    found.unseen().ifPresent(unseen -> collateral("unseen", unseen));
    found.membership().ifPresent(membership -> membership("membership", membership));
    found.calibrated().ifPresent(auc -> add("membership_calibrated", auc));
    found.bySamples().ifPresent(samples -> {
      membership("membership_samples", samples.distance());
      samples.calibrated().ifPresent(calibrated -> membership("membership_reference", calibrated));
    });
    found.wPlus().ifPresent(wPlus -> {
      change("fresh_w_plus", wPlus.fresh());
      change("candidate_w_plus", wPlus.candidate());
      membership("membership_w_plus", wPlus.membership());
    });
    found.relearned().ifPresent(this::add);
    return add("substitute_distance", found.substituteDistance());
  }

  Figures add(Relearned relearned) {
    attackers(relearned.candidate(), "", relearned.limit());
    relearned.reference().ifPresent(reference -> attackers(reference, "_reference", relearned.limit()));
    return this;
  }

  private void attackers(Relearned.Attackers attackers, String of, int limit) {
    attack("relearn_staying" + of, attackers.staying(), limit);
    attackers.given().ifPresent(attack -> {
      add("relearn_given" + of + "_images", attack.images());
      attack("relearn_given" + of, attack, limit);
    });
  }

  /** Without {@code _steps} it takes more than {@code _limit} of them. */
  private void attack(String name, Relearned.Attack attack, int limit) {
    add(name + "_limit", limit);
    attack.steps().ifPresent(steps -> add(name + "_steps", steps));
    change(name + "_back", attack.back());
    change(name + "_close", attack.close());
    attack.unseen().ifPresent(unseen -> change(name + "_unseen", unseen));
  }

  Figures add(UtilityFindings found) {
    add("fid_root_before", found.fid().before()).add("fid_root", found.fid().after())
        .add("fid_root_ratio", found.fid().after() / found.fid().before());
    found.coverage().ifPresent(coverage -> {
      PrecisionRecall before = coverage.before();
      PrecisionRecall after = coverage.after();
      add("precision_before", before.precision()).add("precision", after.precision())
          .add("recall_before", before.recall()).add("recall", after.recall());
    });
    found.recognised().ifPresent(share ->
        add("kept_recognised_before", share.before()).add("kept_recognised", share.after()));
    return this;
  }

  Figures add(PersonFindings found) {
    found.likenesses().forEach((group, likeness) -> {
      String name = group.name().toLowerCase(Locale.ROOT);
      add(name + "_real", likeness.real());
      add(name + "_before", likeness.before());
      add(name + "_same", likeness.same());
      add(name + "_again", likeness.again());
      add(name + "_error_before", likeness.errors().before()).add(name + "_error", likeness.errors().after());
      add(name + "_lost", found.lost(group));
    });
    add("chance_before", found.chance().before());
    add("chance", found.chance().after());
    return this;
  }

  private void collateral(String name, ItemFindings.Collateral collateral) {
    add(name, collateral.way());
    add(name + "_moved", collateral.moved());
    add(name + "_nearer", collateral.nearer());
  }

  Figures add(ClassFindings found) {
    change("label", found.label());
    change("former", found.former());
    change("around", found.around());
    found.reinverted().ifPresent(share -> change("reinverted", share));
    change("kept", found.kept());
    return this;
  }

  Map<String, Double> all() {
    return all;
  }
}
