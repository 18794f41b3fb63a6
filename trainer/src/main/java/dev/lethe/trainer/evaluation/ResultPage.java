package dev.lethe.trainer.evaluation;

import dev.lethe.trainer.evaluation.Cell.Base;
import dev.lethe.trainer.evaluation.Cell.Kind;
import dev.lethe.trainer.evaluation.Cell.Method;
import dev.lethe.trainer.evaluation.Cell.SubstituteChoice;
import dev.lethe.trainer.evaluation.CellResult.Values;
import dev.lethe.trainer.session.Effort;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/** The results of an evaluation as a page of tables and plots, and as a CSV file with a line for each run. */
final class ResultPage {

  private static final Cell USUAL = Cell.item();

  private final Path directory;
  private final String name;
  private final String command;
  private final List<CellResult> results;
  private final StringBuilder page = new StringBuilder();

  /**
   * @param directory for the files
   * @param name of the files, without an ending
   * @param command that makes them again
   */
  ResultPage(Path directory, String name, String command, List<CellResult> results) {
    this.directory = directory;
    this.name = name;
    this.command = command;
    this.results = results;
  }

  /** @return the table of the choices that people start with */
  String write() throws IOException {
    Files.createDirectories(directory);
    String dates = results.stream().map(CellResult::date).distinct().sorted().collect(Collectors.joining(", "));
    String machines = results.stream().map(CellResult::machine).distinct().collect(Collectors.joining("; "));
    page.append("# Unlearning, measured: MNIST\n\n`").append(command).append("`, ").append(dates).append(", on ")
        .append(machines).append("; ").append(results.size()).append(" runs.\n\n").append("""
            Mean ± standard deviation over seeds; each seed unlearns other images, or another class. Arrows lead from \
            the original to the candidate.

            | | |
            | --- | --- |
            | AUC_lu | the discriminator scores a learning image above an unlearned one; 0.5 is chance |
            | AUC_ut, AUC_lt | it scores an unlearned, or a learning image above one that it never saw |
            | FID_l, FID_u | Fréchet distance of 2,000 samples from learning and from unlearned images |
            | ACC | accuracy on real images of a classifier trained on 3,000 generated ones |
            | erased, kept seen | share of the images that the raw networks make for erased labels, and for the others, \
            that `features.onnx` takes for these |
            | at its former latents | the same share of what the synthesis network makes of the w that the erased \
            labels led to before |
            | re-inversion | mean squared error of drawing the unlearned images again, and images never seen |
            | seconds | inversion, substitutes and cascade |
            | speedup | against retraining from scratch, by the base's kimg and a burst of training steps right after \
            the run |

            """);
    String headline = headline();
    page.append("## At a glance\n\n").append(headline).append('\n');
    pictures();
    section("Substitutes", of(c -> plainItem(c) && varies(c, Cell::substitute)), ResultPage::modeAnd, "substitute",
        c -> Cell.name(c.substitute()));
    section("Fake labels", of(c -> plainItem(c) && varies(c, Cell::fakeLabel)), ResultPage::modeAnd, "F",
        Cell::fakeLabel);
    section("Number of images", of(c -> plainItem(c) && varies(c, Cell::images)), ResultPage::modeAnd, "images",
        c -> Integer.toString(c.images()));
    List<CellResult> sweep = of(c -> plainItem(c) && c.mode() == USUAL.mode() && varies(c, Cell::lambda2));
    section("Weight of the perceptual loss", sweep, c -> "", "λ2", c -> Double.toString(c.lambda2()));
    if (ResultTable.grouped(sweep).size() > 2) {
      new ResultPlots(directory).sweep(sweep);
      picture("lambda2-auc-lu.png", "lambda2-fid-l.png");
    }
    section("Classes", of(c -> c.kind() == Kind.CLASS && c.method() == Method.CASCADE), c -> "", "choice",
        c -> Cell.name(c.mode()) + ", " + Cell.name(c.substitute()) + ", "
            + (c.images() == 0 ? "no images" : c.images() + " images"));
    section("An overfitted base", of(c -> c.base() == Base.OVERFITTED), c -> "", "mode", c -> Cell.name(c.mode()));
    section("Baselines", of(c -> c.method() != Method.CASCADE || c.equals(USUAL.seed(c.seed()).thoroughly())), c -> "",
        "method", c -> Cell.name(c.method()));
    curves("On the way", c -> c.iterations() == USUAL.iterations(), "curve");
    curves("Long runs", c -> c.iterations() > USUAL.iterations(), "long");
    time();
    Files.writeString(directory.resolve(name + ".md"), page);
    Files.writeString(directory.resolve(name + ".csv"), csv());
    return headline;
  }

  private String headline() {
    List<CellResult> shown = of(c -> Suite.QUICK.choices().contains(c.seed(0)));
    return ResultTable.markdown(shown, "what", c -> c.kind() == Kind.CLASS ? "class, without any image"
        : c.images() + " images, " + Cell.name(c.mode()));
  }

  /** Item runs on the usual base that end as they would for a user. */
  private static boolean plainItem(Cell c) {
    return c.base() == Base.MNIST && c.method() == Method.CASCADE && c.kind() == Kind.ITEM && c.measures() == 0;
  }

  /** Whether a run is the usual one but for one choice. */
  private static boolean varies(Cell c, Function<Cell, Object> choice) {
    List<Function<Cell, Object>> all = List.of(Cell::substitute, Cell::fakeLabel, Cell::images, Cell::lambda2);
    Object own = choice.apply(c);
    return all.stream().filter(f -> !Objects.equals(f.apply(c), f.apply(USUAL))).count() <= 1
        && all.stream().filter(f -> !Objects.equals(f.apply(c), f.apply(USUAL)))
            .allMatch(f -> f.apply(c).equals(own));
  }

  private static String modeAnd(Cell c) {
    return Cell.name(c.mode()) + ", ";
  }

  private List<CellResult> of(Predicate<Cell> chosen) {
    return results.stream().filter(result -> chosen.test(result.cell())).toList();
  }

  private void section(String title, List<CellResult> rows, Function<Cell, String> prefix, String first,
      Function<Cell, String> choice) {
    if (!rows.isEmpty()) {
      page.append("## ").append(title).append("\n\n")
          .append(ResultTable.markdown(rows, first, c -> prefix.apply(c) + choice.apply(c))).append('\n');
    }
  }

  private void curves(String title, Predicate<Cell> chosen, String prefix) throws IOException {
    List<CellResult> rows = of(c -> c.measures() > 0 && chosen.test(c));
    if (!rows.isEmpty()) {
      section(title, rows, c -> "", "mode and iterations", c -> Cell.name(c.mode()) + ", " + c.iterations());
      new ResultPlots(directory).curves(rows, prefix);
      picture(prefix + "-auc-lu-iterations.png", prefix + "-fid-l-iterations.png");
      picture(prefix + "-auc-lu-seconds.png", prefix + "-fid-l-seconds.png");
    }
  }

  private void pictures() {
    for (CellResult result : of(c -> Suite.QUICK.choices().contains(c))) {
      String file = pictureOf(result.cell());
      if (Files.exists(directory.resolve(file))) {
        page.append(result.unlearned()).append(", ").append(Cell.name(result.cell().mode()))
            .append(": the images, what the original makes of their latents, and what the candidate makes of these.\n\n");
        picture(file);
      }
    }
  }

  /** File of the pictures of a run. */
  static String pictureOf(Cell cell) {
    return cell.group() + ".png";
  }

  private void picture(String... files) {
    for (String file : files) {
      page.append("![](").append(file).append(") ");
    }
    page.append("\n\n");
  }

  /** Where the time of the usual run goes, and how much of the arithmetic that the machine can do is done. */
  private void time() {
    List<CellResult> rows = of(c -> plainItem(c) && c.thorough() && c.mode() == USUAL.mode());
    if (rows.isEmpty()) {
      return;
    }
    page.append("## Where the time goes\n\n").append("64 images, few-shot. The limit is the product of two 1024×1024 "
        + "matrices by the same runtime with as many threads: ")
        .append(Spread.of(rows.stream().map(r -> 2e-9 * r.limit()).toList()).format(1))
        .append(" GFLOP/s. Operations are those of convolutions and matrix products, forwards and backwards.\n\n")
        .append("| part | steps | seconds | share of the job | GFLOP a step | of the limit |\n")
        .append("| --- | --- | --- | --- | --- | --- |\n");
    for (String part : List.of("inversion", "generator", "discriminator")) {
      List<Effort> efforts = rows.stream().map(r -> r.efforts().get(part)).toList();
      line(part + "'s steps", Spread.of(efforts.stream().map(e -> (double) e.steps()).toList()).format(0),
          rows.stream().map(r -> r.efforts().get(part).seconds()).toList(), rows,
          Spread.of(efforts.stream().map(e -> 2e-9 * e.multiplyAdds() / e.steps()).toList()).format(2),
          Spread.of(rows.stream().map(r -> 100 * r.efforts().get(part).multiplyAdds()
              / r.efforts().get(part).seconds() / r.limit()).toList()).format(0) + " %");
    }
    line("the rest: starting points, sessions, teacher, substitutes", "",
        rows.stream().map(r -> r.seconds() - r.efforts().values().stream().mapToDouble(Effort::seconds).sum()).toList(),
        rows, "", "");
    page.append('\n');
  }

  private void line(String part, String steps, List<Double> seconds, List<CellResult> rows, String work,
      String ofLimit) {
    double all = Spread.of(rows.stream().map(CellResult::seconds).toList()).mean();
    page.append("| ").append(part).append(" | ").append(steps).append(" | ").append(Spread.of(seconds).format(1))
        .append(" | ").append(String.format(Locale.ROOT, "%.0f %%", 100 * Spread.of(seconds).mean() / all))
        .append(" | ").append(work).append(" | ").append(ofLimit).append(" |\n");
  }

  private String csv() {
    StringBuilder csv = new StringBuilder("run,unlearned,seconds,retrain_seconds,speedup,fake_label,"
        + columns("before") + "," + columns("after") + ",reinversion_before,reinversion_after,reinversion_never_seen,"
        + "date,machine\n");
    for (CellResult r : results) {
      List<Object> values = new ArrayList<>(List.of(r.cell().id(), r.unlearned(), r.seconds(), r.retrainSeconds(),
          r.speedup(), r.fakeLabel()));
      values.addAll(values(r.before()));
      values.addAll(values(r.after()));
      boolean audited = r.audit() != null;
      values.add(audited ? r.audit().unlearnedBefore() : "");
      values.add(audited ? r.audit().unlearnedAfter() : "");
      values.add(audited ? r.audit().neverSeen() : "");
      values.add(r.date());
      values.add(r.machine());
      csv.append(values.stream().map(ResultPage::field).collect(Collectors.joining(","))).append('\n');
    }
    return csv.toString();
  }

  private static final Map<String, Function<Values, Double>> VALUES = new LinkedHashMap<>();

  static {
    VALUES.put("auc_lu", Values::aucLu);
    VALUES.put("auc_ut", Values::aucUt);
    VALUES.put("auc_lt", Values::aucLt);
    VALUES.put("fid_l", Values::fidL);
    VALUES.put("fid_u", Values::fidU);
    VALUES.put("acc", Values::acc);
    VALUES.put("erased_recognised", Values::erasedRecognised);
    VALUES.put("former_recognised", Values::formerRecognised);
    VALUES.put("kept_recognised", Values::keptRecognised);
  }

  private static String columns(String suffix) {
    return VALUES.keySet().stream().map(key -> key + "_" + suffix).collect(Collectors.joining(","));
  }

  private static List<Object> values(Values of) {
    return VALUES.values().stream().<Object>map(value -> value.apply(of) == null ? "" : value.apply(of)).toList();
  }

  private static String field(Object value) {
    String text = value.toString();
    return text.contains(",") ? '"' + text + '"' : text;
  }
}
