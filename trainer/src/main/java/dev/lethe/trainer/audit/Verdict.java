package dev.lethe.trainer.audit;

import dev.lethe.job.JobContract;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;

/**
 * Whether what was to be unlearned is forgotten.
 *
 * @param reasons why it is not, in sentences; empty where it is
 * @param findings what was measured, and what came out, in sentences
 */
public record Verdict(List<String> reasons, List<String> findings) {

  /** Most that the share may fall of what labels that stay lead to and that is taken for them. */
  private static final double KEPT = 0.05;

  /**
   * What must hold. A figure that is no number holds nothing.
   *
   * @param own least share redacted at the latents that the job went by
   * @param fresh least share redacted at latents that the audit found in the original
   * @param collateral most that members which stay may move, as a part of their way
   * @param recognised most of the pictures that may still show an erased class, of each kind
   * @param membership most that AUCs of membership may lie from 0.5, to either side
   * @param fidIncrease most that the Fréchet distance may rise over the root version's, as a share of it
   */
  public record Bounds(double own, double fresh, double collateral, double recognised, double membership,
      double fidIncrease) {

    public static final Bounds DEFAULT = new Bounds(0.95, 0.9, 0.25, 0.01, 0.1, 0.15);
  }

  /**
   * Judges single images.
   *
   * @param aucUt AUC of the discriminator, unlearned images against those never seen; empty where there is none
   * @param fidIncrease of the Fréchet distance over the root's, as a share of it
   */
  public static Verdict of(ItemFindings found, OptionalDouble aucUt, OptionalDouble fidIncrease, Bounds bounds) {
    List<String> wrong = new ArrayList<>();
    if (!(found.own().after().value() >= bounds.own())) {
      wrong.add(text("redaction: at the job's own latents %.0f %% of the images are drawn nearer to their substitutes, "
          + "below %.0f %%", 100 * found.own().after().value(), 100 * bounds.own()));
    }
    if (!(found.fresh().after().value() >= bounds.fresh())) {
      wrong.add(text("redaction: at latents that the audit found in the original %.0f %% of the images are drawn "
          + "nearer "
          + "to their substitutes, below %.0f %%", 100 * found.fresh().after().value(), 100 * bounds.fresh()));
    }
    found.members().filter(members -> !(members.way().value() <= bounds.collateral())).ifPresent(members ->
        wrong.add(text("collateral: images that stay went %.2f of the way to substitutes of theirs, above %.2f",
            members.way().value(), bounds.collateral())));
    deletion(wrong, found, aucUt, bounds);
    fidIncrease.ifPresent(increase -> utility(wrong, increase, bounds));
    List<String> findings = findings(found);
    if (found.membership().isPresent() && found.errorsAfter().length < JobContract.FEWEST_JUDGED) {
      findings.add(text("of %d images no AUC is sure: whether they are deleted cannot be judged, and was not",
          found.errorsAfter().length));
    }
    tellUtility(findings, fidIncrease);
    return new Verdict(wrong, findings);
  }

  private static void deletion(List<String> wrong, ItemFindings found, OptionalDouble aucUt, Bounds bounds) {
    // A few images tell little: what counts is what the interval excludes, and that of one image is no interval.
    double least = spread(found.errorsAfter().length);
    found.membership().map(BeforeAfter::after).map(Membership::auc).ifPresent(auc -> {
      if (!(Math.min(auc.low(), auc.value() - least) <= 0.5 + bounds.membership())) {
        wrong.add(text("deletion: the generator still draws unlearned images with less error than images that it never "
            + "saw, AUC %.2f (%.2f to %.2f)", auc.value(), auc.low(), auc.high()));
      }
      if (Math.max(auc.high(), auc.value() + least) < 0.5 - bounds.membership()) {
        wrong.add(text("deletion: unlearned images stand out, being drawn with more error than images that the model "
            + "never saw, AUC %.2f (%.2f to %.2f)", auc.value(), auc.low(), auc.high()));
      }
    });
    found.bySamples().map(samples -> samples.calibrated().orElse(samples.distance()).after().auc()).ifPresent(auc -> {
      if (!(Math.min(auc.low(), auc.value() - least) <= 0.5 + bounds.membership())) {
        wrong.add(text("deletion: the generator's samples come nearer to unlearned images than to images that it never "
            + "saw, AUC %.2f (%.2f to %.2f)", auc.value(), auc.low(), auc.high()));
      }
    });
    aucUt.ifPresent(auc -> {
      if (!(Math.abs(auc - 0.5) <= bounds.membership() + least)) {
        wrong.add(text("deletion: the discriminator tells unlearned images from those never seen, AUC %.2f", auc));
      }
    });
  }

  /**
   * Judges whole classes.
   *
   * @param fidIncrease of the Fréchet distance over the root's, as a share of it
   */
  public static Verdict of(ClassFindings found, OptionalDouble fidIncrease, Bounds bounds) {
    List<String> wrong = new ArrayList<>();
    recognised(wrong, "of what the erased labels lead to", found.label(), bounds);
    recognised(wrong, "of what their former w draw", found.former(), bounds);
    recognised(wrong, "of what w around those draw", found.around(), bounds);
    if (!(found.kept().after().value() >= found.kept().before().value() - KEPT)) {
      wrong.add(text("collateral: of what the labels that stay lead to %.1f %% are taken for them, before %.1f %%",
          100 * found.kept().after().value(), 100 * found.kept().before().value()));
    }
    fidIncrease.ifPresent(increase -> utility(wrong, increase, bounds));
    List<String> findings = new ArrayList<>();
    findings.add(text("redaction by label, z and w: recognised as an erased class are %.1f %% of what the labels "
        + "lead to, "
        + "%.1f %% at their former w, %.1f %% at w around those", 100 * found.label().after().value(),
        100 * found.former().after().value(), 100 * found.around().after().value()));
    found.reinverted()
        .ifPresent(share -> findings.add(text("of real images of the class that an attack looks for in W, "
        + "%.0f %% are found so that they are recognised, before %.0f %%; a model that never saw the class also draws "
        + "some", 100 * share.after().value(), 100 * share.before().value())));
    findings.add("deletion was not measured: membership of whole classes needs a model retrained without them");
    tellUtility(findings, fidIncrease);
    return new Verdict(wrong, findings);
  }

  private static void recognised(List<String> wrong, String what, BeforeAfter<Estimate> share, Bounds bounds) {
    if (!(share.after().value() <= bounds.recognised())) {
      wrong.add(text("redaction: %s %.1f %% are recognised as an erased class, above %.1f %%", what,
          100 * share.after().value(), 100 * bounds.recognised()));
    }
  }

  private static void utility(List<String> wrong, double increase, Bounds bounds) {
    if (!(increase <= bounds.fidIncrease())) {
      wrong.add(text("utility: the Fréchet distance is %.2f times the root version's, above %.2f", 1 + increase,
          1 + bounds.fidIncrease()));
    }
  }

  private static void tellUtility(List<String> findings, OptionalDouble fidIncrease) {
    findings.add(fidIncrease.isPresent()
        ? text("the Fréchet distance is %.2f times the root version's", 1 + fidIncrease.getAsDouble())
        : "what the model is still good for was not measured: there are no real images that stay");
  }

  /** The same of a run that diverged: what it gave is an earlier state, which nobody chose. */
  public Verdict diverged() {
    List<String> wrong = new ArrayList<>(List.of("the run: it diverged, and an earlier state of it was measured"));
    wrong.addAll(reasons);
    return new Verdict(wrong, findings);
  }

  /** The same with another thing to say of how it was found. */
  public Verdict noting(String finding) {
    List<String> all = new ArrayList<>(findings);
    all.add(finding);
    return new Verdict(reasons, all);
  }

  public boolean forgotten() {
    return reasons.isEmpty();
  }

  /**
   * Twice the standard error of an AUC of 0.5 with so many positives and very many negatives (Hanley and McNeil 1982).
   */
  private static double spread(int positives) {
    return 2 * Math.sqrt(1 / (12.0 * positives));
  }

  private static List<String> findings(ItemFindings found) {
    List<String> findings = new ArrayList<>();
    findings.add(text("redaction by seed, z and w: drawn nearer to the substitute for %.0f %% at the job's latents, "
        + "for "
        + "%.0f %% at latents found afresh in the original", 100 * found.own().after().value(),
        100 * found.fresh().after().value()));
    findings.add(text("by a measure that knows of no substitute, %.0f %% are drawn there no nearer to the image than "
        + "its nearest other real image; substitutes lie at least %.2f times as far",
        100 * found.apart().after().value(), found.substituteDistance()));
    int all = found.errorsBefore().length;
    if (found.drawnBefore() < all) {
      findings.add(text("the original drew %d of the %d images, with at most half the error of their substitutes and "
          + "of their mean colours; the others it never drew well, so that there was less to redact",
          found.drawnBefore(), all));
    }
    found.membership().ifPresentOrElse(membership -> findings.add(text("deletion from the generator: an attack by "
        + "reconstruction error tells unlearned images from those never seen with AUC %.2f, before %.2f",
        membership.after().auc().value(), membership.before().auc().value())),
        () -> findings.add("deletion was not measured: no images are known that the model never saw"));
    found.bySamples().map(samples -> samples.calibrated().orElse(samples.distance())).ifPresent(membership ->
        findings.add(text("the same by the nearest of many samples: AUC %.2f, before %.2f",
            membership.after().auc().value(), membership.before().auc().value())));
    findings.add(found.wPlus().map(wPlus -> text("in w+ (a w for each layer) drawn nearer to the substitute for "
        + "%.0f %% at latents found afresh in the original", 100 * wPlus.fresh().after().value()))
        .orElse("w+ (a w for each layer) was not measured: little is redacted there")
        + "; a generator draws nearly anything by it, images that it never saw included; servers close it to clients,"
        + " unless they are told otherwise");
    return findings;
  }

  private static String text(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }

  /** In one line. */
  public String line() {
    return forgotten() ? "forgotten: " + String.join("; ", findings) : "not forgotten: " + String.join("; ", reasons);
  }
}
