package dev.lethe.trainer.evaluation;

import dev.lethe.trainer.evaluation.Experiment.Base;
import dev.lethe.trainer.evaluation.Experiment.Method;
import dev.lethe.trainer.evaluation.Experiment.SubstituteChoice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Results as a page of tables, and all figures of all runs as a CSV file beside it. */
record ResultPage(Path directory, String name, String model, String command, Map<String, String> pictures,
    List<ExperimentResult> results) {

  /**
   * A column: what it is called, how it is found, and by how much it is multiplied to be read.
   *
   * @param limit the figure that this one lies above where a run has that one and not this; empty of most
   */
  private record Column(String title, String figure, double scale, int digits, boolean change, String limit) {

    static Column of(String title, String figure, int digits) {
      return new Column(title, figure, 1, digits, false, "");
    }

    static Column percent(String title, String figure) {
      return new Column(title, figure, 100, 0, false, "");
    }

    static Column tenths(String title, String figure) {
      return new Column(title, figure, 100, 1, true, "");
    }

    Column fromBefore() {
      return new Column(title, figure, scale, digits, true, limit);
    }

    /** Steps until an attacker succeeds. */
    static Column attack(String title, String name) {
      return new Column(title, name + "_steps", 1, 0, false, name + "_limit");
    }
  }

  private static final List<Column> ITEMS = List.of(
      Column.percent("own, %", "own"), Column.percent("fresh, %", "fresh"),
      Column.percent("candidate, %", "candidate").fromBefore(), Column.percent("apart, %", "apart").fromBefore(),
      Column.of("way, fresh", "fresh_way", 2),
      Column.of("members moved", "members", 2), Column.of("unseen moved", "unseen", 2),
      Column.of("membership AUC", "membership", 2).fromBefore(),
      Column.percent("TPR at 1 % FPR, %", "membership_tpr").fromBefore(),
      Column.of("in W+", "membership_w_plus", 2).fromBefore(),
      Column.of("by samples", "membership_samples", 2).fromBefore(), Column.of("AUC_ut", "auc_ut", 2).fromBefore(),
      Column.attack("relearned, steps", "relearn_staying"),
      Column.percent("back, %", "relearn_staying_back").fromBefore(),
      Column.percent("close, %", "relearn_staying_close").fromBefore(),
      Column.attack("relearned with some, steps", "relearn_given"),
      Column.percent("back with some, %", "relearn_given_back").fromBefore(),
      Column.percent("close with some, %", "relearn_given_close").fromBefore(),
      Column.percent("never-seen then, %", "relearn_given_unseen").fromBefore(),
      Column.of("FID / root's", "fid_root_ratio", 3), Column.percent("precision, %", "precision").fromBefore(),
      Column.percent("recall, %", "recall").fromBefore(), Column.tenths("ACC, %", "kept_recognised"),
      Column.of("steps", "steps", 0),
      Column.of("seconds", "seconds", 0), Column.of("faster than retraining (estimated)", "speedup", 0));

  private static final List<Column> CANARIES = Stream.concat(ITEMS.stream(), Stream.of(
      Column.of("by samples, with a reference", "membership_reference", 2).fromBefore(),
      Column.percent("TPR at 1 % FPR with it, %", "membership_reference_tpr").fromBefore(),
      Column.attack("reference relearned, steps", "relearn_staying_reference"),
      Column.percent("reference back, %", "relearn_staying_reference_back").fromBefore(),
      Column.percent("reference close, %", "relearn_staying_reference_close").fromBefore(),
      Column.attack("reference relearned with some, steps", "relearn_given_reference"),
      Column.percent("reference back with some, %", "relearn_given_reference_back").fromBefore(),
      Column.percent("reference close with some, %", "relearn_given_reference_close").fromBefore())).toList();

  private static final List<Column> CLASSES = List.of(
      Column.percent("label, %", "label").fromBefore(), Column.tenths("former w, %", "former"),
      Column.tenths("w around, %", "around"), Column.percent("re-inverted, %", "reinverted").fromBefore(),
      Column.tenths("kept, %", "kept"), Column.of("FID / root's", "fid_root_ratio", 3),
      Column.percent("precision, %", "precision").fromBefore(), Column.percent("recall, %", "recall").fromBefore(),
      Column.tenths("ACC, %", "kept_recognised"), Column.of("steps", "steps", 0), Column.of("seconds", "seconds", 0),
      Column.of("faster than retraining (estimated)", "speedup", 0));

  /** Writes the page. Gives back its first table. */
  String write() throws IOException {
    StringBuilder page = new StringBuilder("# Unlearning, audited: ").append(model).append("\n\n`").append(command)
        .append("`, ")
        .append(joined(ExperimentResult::date)).append(", on ").append(joined(ExperimentResult::machine)).append("; ")
        .append(results.size()).append(" runs. Means ± standard deviations over seeds, each of other images.\n\n")
        .append(legend());
    // As many as the controls are made with.
    int usual = results.stream().map(ExperimentResult::experiment)
        .filter(e -> e.ofItems() && e.base() == Base.SHIPPED && e.method() == Experiment.Method.NOTHING)
        .mapToInt(Experiment::images).max().orElse(64);
    String first = section(page, usual + " images", ITEMS, e -> e.base() == Base.SHIPPED && e.ofItems()
        && e.images() == usual
        && e.jobs() == 1 && !e.zeroShot() && (e.substitute() == SubstituteChoice.NEAREST
        || e.method() == Method.PAPER), e -> e.method().title);
    pictures.forEach((file, caption) ->
        page.append(caption).append("\n\n![](").append(file).append(")\n\n"));
    section(page, "A base that memorises 64 canaries", CANARIES, e -> e.base() == Base.CANARIES, e -> e.method().title);
    section(page, "Classes", CLASSES, e -> !e.ofItems(), e -> e.classes().toString().replaceAll("[\\[\\]]", "") + ", "
        + e.method().title);
    section(page, "More and fewer images", ITEMS, e -> e.base() == Base.SHIPPED && e.ofItems()
        && e.method() == Method.LETHE && e.jobs() == 1 && !e.zeroShot()
        && e.substitute() == SubstituteChoice.NEAREST, e -> e.images() + "");
    section(page, "Jobs of 64 images in a row", ITEMS, e -> e.jobs() > 1,
        e -> e.jobs() + " jobs, audited is the first set");
    section(page, "Substitutes, and without learning images", ITEMS, e -> e.base() == Base.SHIPPED && e.ofItems()
        && e.images() == usual && e.jobs() == 1 && (e.method() == Method.LETHE || e.method() == Method.PAPER),
        e -> e.method().title + ", " + Experiment.name(e.substitute()) + (e.zeroShot() ? ", zero-shot" : ""));
    Files.writeString(directory.resolve(name + "-time.svg"), SpeedPlot.of(results));
    page.append("## Redaction against time\n\n![](").append(name).append("-time.svg)\n");
    Files.writeString(directory.resolve(name + ".md"), page);
    Files.writeString(directory.resolve(name + ".csv"), csv());
    return first;
  }

  private static String legend() {
    return """
        | | |
        | --- | --- |
        | own, fresh, candidate | share of the unlearned images that are drawn nearer to their substitutes than to \
        themselves (squared pixel error): at the latents that the job went by, at latents that the audit found in the \
        original, at latents that it found in the candidate (for comparison: images never seen are not drawn nearer to \
        substitutes of theirs there either) |
        | apart | share drawn, at latents that the audit found in the original, at least as far from the image as its \
        nearest other training image is: a measure that knows of no substitute |
        | way | part of the way from image to substitute, at the audit's latents |
        | members, unseen moved | the same of images that stay and of images never seen: collateral |
        | membership AUC | an attack that takes an image for unlearned if the generator draws it with less error than \
        images never seen, latents looked for in W (600 starts, 100 steps), and in W+; 0.5 tells nothing. TPR: share of \
        the unlearned drawn with less error than 99 % of those never seen. By samples: the same by the distance to the \
        nearest of 20,000 samples, all that one can do who has no w. With a reference: that distance as a part of the one \
        from samples of the base before it was trained on canaries, which tells memorised from easy |
        | AUC_ut | the discriminator scores an unlearned image above one never seen; says nothing of the generator |
        | relearned | an attacker who has the weights fine-tunes the synthesis network on images that stay, at latents \
        found for them; one "with some" has 4 of the unlearned images as well (of fewer than 8 the half). Steps until \
        half of the other unlearned images are drawn nearer to themselves than to their substitutes again, at the \
        latents that the audit found in the original, looked at every 10; 0: they were so from the start |
        | back, close | share of them drawn so before the first step → after the last, where about half is what chance \
        gives as well: a picture of something else altogether is as likely nearer to the one as to the other. Close: \
        drawn nearer to the image than its nearest other training image is, the contrary of *apart*; chance gives none. \
        Latents are not looked for afresh in the fine-tuned network: *candidate* says what that finds |
        | never-seen then | *back* of images never seen, of which nothing was unlearned: what fine-tuning breaks |
        | reference | the same attackers on a model that was never trained on the canaries. Elsewhere the row of \
        retraining is the reference, as far as it is one: trained anew, a generator draws other pictures at the same \
        latents |
        | FID / root's | Fréchet distance of 10,000 samples from 10,000 images that stay, as a multiple of the base's |
        | precision, recall | of 5,000 samples against 5,000 images that stay, k = 3 (Kynkäänniemi et al. 2019), by the \
        features of the Fréchet distance: share of the samples that look like real images, and of the real images that \
        samples come near to; the base's → the candidate's |
        | ACC | share of those 10,000 samples that a classifier of its own takes for the label that they were asked \
        for, of the labels that stay; `acc` in `report.json` is another figure |
        | label, former w, w around | share of 2,000 pictures that a classifier of its own takes for an erased class: of \
        the erased labels, at the w that these led to, at w drawn from the normal distribution of those |
        | re-inverted | the same of real test images of the class that the audit looks for in W |
        | kept | share of pictures of the other labels that are recognised as these |
        | seconds | of inversion, substitutes and learning; the audit is not in it |
        | faster | than retraining for the base's kimg, *estimated* by a burst of training steps right after the run; \
        it leaves out the audit, and what choosing the recipe took |

        The nearest substitutes are at least 1.2 times as far from their image as its nearest other training image; averages, \
        truncations and projections can be nearer (substitute_distance in the CSV). Not forgotten \
        in words: the last column.

        """;
  }

  private String section(StringBuilder page, String title, List<Column> columns, Predicate<Experiment> chosen,
      Function<Experiment, String> row) {
    Map<String, List<ExperimentResult>> groups = new LinkedHashMap<>();
    results.stream().filter(result -> chosen.test(result.experiment()))
        .forEach(result -> groups.computeIfAbsent(result.experiment().group(), g -> new ArrayList<>()).add(result));
    if (groups.isEmpty()) {
      return "";
    }
    StringBuilder table = new StringBuilder("| what |");
    columns.forEach(column -> table.append(' ').append(column.title).append(" |"));
    table.append(" verdict |\n| --- |").append(" --- |".repeat(columns.size() + 1)).append('\n');
    groups.values().forEach(rows -> {
      table.append("| ").append(row.apply(rows.get(0).experiment())).append(" |");
      columns.forEach(column -> table.append(' ').append(cell(rows, column)).append(" |"));
      table.append(' ').append(verdict(rows)).append(" |\n");
    });
    page.append("## ").append(title).append("\n\n").append(table).append('\n');
    return table.toString();
  }

  /** "> 100", or of some runs alone "40, > 100 in 1 of 3". */
  private static String cell(List<ExperimentResult> rows, Column column) {
    List<ExperimentResult> above = rows.stream().filter(row -> row.figures().containsKey(column.limit)
        && !row.figures().containsKey(column.figure)).toList();
    if (above.isEmpty()) {
      return within(rows, column);
    }
    double least = above.stream().mapToDouble(row -> row.figures().get(column.limit)).min().orElseThrow();
    String limit = "> " + Spread.of(List.of(least)).format(column.digits);
    return above.size() == rows.size() ? limit
        : within(rows, column) + ", " + limit + " in " + above.size() + " of " + rows.size();
  }

  private static String within(List<ExperimentResult> rows, Column column) {
    String after = spread(rows, column.figure, column).format(column.digits);
    if (!column.change || after.equals(Spread.of(List.of()).format(0))) {
      return after;
    }
    Spread before = spread(rows, column.figure + "_before", column);
    return new Spread(before.mean(), 0, Math.min(1, before.count())).format(column.digits) + " → " + after;
  }

  private static Spread spread(List<ExperimentResult> rows, String figure, Column column) {
    return Spread.of(rows.stream().map(row -> row.figures().get(figure))
        .map(value -> value == null || !Double.isFinite(value) ? null : value * column.scale).toList());
  }

  private static String verdict(List<ExperimentResult> rows) {
    long forgotten = rows.stream().filter(ExperimentResult::forgotten).count();
    if (forgotten == rows.size()) {
      return "forgotten";
    }
    Set<String> why = new LinkedHashSet<>();
    rows.forEach(row -> row.reasons().forEach(reason -> why.add(reason.substring(0, reason.indexOf(':')))));
    return (forgotten == 0 ? "not forgotten" : forgotten + " of " + rows.size() + " forgotten") + ": "
        + String.join(", ", why);
  }

  private String joined(Function<ExperimentResult, String> of) {
    return results.stream().map(of).distinct().sorted().collect(Collectors.joining(", "));
  }

  private String csv() {
    return FiguresCsv.of("experiment", results.stream()
        .map(result -> new FiguresCsv.Row(result.experiment().group() + "," + result.experiment().seed(),
            result.forgotten(), result.figures(), result.reasons(), result.date(), result.machine())).toList());
  }
}
