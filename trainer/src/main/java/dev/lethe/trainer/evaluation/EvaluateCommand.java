package dev.lethe.trainer.evaluation;

import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.runtime.Compute;
import dev.lethe.models.runtime.Machine;
import dev.lethe.trainer.console.CommandErrors;
import dev.lethe.trainer.console.OutPath;
import dev.lethe.trainer.device.DeviceOption;
import dev.lethe.trainer.evaluation.Evaluation.Models;
import dev.lethe.trainer.unlearning.BeforeAfterPicture;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code lethe evaluate}. */
@Command(name = "lethe evaluate", mixinStandardHelpOptions = true, showDefaultValues = true,
    description = "Measures unlearning over a grid of choices, with baselines: prints a table, and writes "
        + "tables and plots. An evaluation that was stopped goes on with the same command.")
public final class EvaluateCommand implements Callable<Integer> {

  @Spec
  private CommandSpec spec;

  @Option(names = "--suite", defaultValue = "quick",
      description = "quick: 64 images, with the controls that must fail. natural: 16 images, a class, controls and "
          + "baselines, for models of natural images. paper: numbers of images, classes, substitutes, the paper's "
          + "recipe, "
          + "baselines, a base that memorises, jobs in a row. (${COMPLETION-CANDIDATES})")
  private Suite suite;

  @Option(names = "--data", required = true, paramLabel = "DIR",
      description = "The images that the model was trained on, with their test split.")
  private Path data;

  @Option(names = "--base", required = true, paramLabel = "DIR", description = "Bundle of the model that unlearns.")
  private Path base;

  @Option(names = "--models", required = true, paramLabel = "DIR",
      description =
          "Models to compare with (onnx-models/evaluation), named after the base: mnist-judge, mnist-retrained, "
          + "mnist-without-7, ...; runs whose model is not there are left out.")
  private Path compared;

  @Option(names = "--out", defaultValue = "docs/results", paramLabel = "DIR",
      description = "Where tables and plots go.")
  private Path out;

  @Option(names = "--runs", defaultValue = "runs/evaluate", paramLabel = "DIR",
      description = "Where the result of each run is kept.")
  private Path runs;

  @Option(names = "--only", defaultValue = "", paramLabel = "TEXT",
      description = "Make only runs whose names contain this, such as 'canaries' or 'n64-nearest'.")
  private String only;

  @Option(names = "--page-only", description = "Make no run: the page of those that there are.")
  private boolean pageOnly;

  @Mixin
  private DeviceOption device;

  @Option(names = "--threads", defaultValue = "0", description = "Threads; 0 for one on each core.")
  private int threads;

  /** Runs that pictures are kept of, with their captions. */
  private static final Map<String, String> PICTURED = pictured();

  private static Map<String, String> pictured() {
    Map<String, String> captions = new LinkedHashMap<>();
    for (int images : List.of(64, 16)) {
      captions.put(Experiment.items(images).id(), "Unlearned by Lethe's recipe: the images; what the original draws of "
          + "them at latents that the audit found; what the candidate draws there; the nearest that the audit found "
          + "in the "
          + "candidate; the substitutes.");
      captions.put(Experiment.items(images).with(Experiment.Method.DISCRIMINATOR_ONLY).id(), "The same where the "
          + "discriminator alone was taught to reject them: nothing has changed.");
    }
    return captions;
  }

  /** The base's, which everything that is measured with it is named after. */
  private String name;

  private static final double TELL_SECONDS = 10;
  private long told = System.nanoTime();

  private EvaluateCommand() {}

  public static void main(String[] arguments) {
    System.exit(commandLine().execute(arguments));
  }

  /** With its options, and how it reports errors. */
  public static CommandLine commandLine() {
    return CommandErrors.report(new CommandLine(new EvaluateCommand()).setCaseInsensitiveEnumValuesAllowed(true));
  }

  @Override
  public Integer call() throws IOException {
    OutPath.requireFolder(spec, "--out", out);
    Compute on = device.compute(threads);
    name = Bundle.open(base).card().name();
    Models models = models();
    List<Experiment> asked = suite.runs().stream().filter(run -> run.id().contains(only)).toList();
    List<Experiment> runs = asked.stream().filter(models::has).toList();
    if (runs.size() < asked.size()) {
      System.out.println((asked.size() - runs.size()) + " runs are left out: their model is not there");
    }
    ResultStore<ExperimentResult> store = new ResultStore<>(this.runs.resolve("results"), ExperimentResult.class);
    Files.createDirectories(out);
    Evaluation evaluation = null;
    List<ExperimentResult> results = new ArrayList<>();
    int made = 0;
    long started = System.nanoTime();
    for (Experiment run : runs) {
      Optional<ExperimentResult> known = store.find(run.id());
      if (known.isEmpty() && pageOnly) {
        continue;
      }
      if (known.isEmpty()) {
        if (evaluation == null) {
          evaluation = new Evaluation(models, EvaluationData.open(data), this.runs.resolve("session"),
              Machine.describe(on.device()), on, this::progress);
        }
        System.out.println(run.id());
        ExperimentResult result = evaluation.run(run);
        store.write(run.id(), result);
        if (PICTURED.containsKey(run.id())) {
          BeforeAfterPicture.write(out.resolve(picture(run)), evaluation.pictures().orElseThrow());
        }
        made++;
        known = Optional.of(result);
        tell(results.size() + 1, runs, result, (System.nanoTime() - started) / 1e9 / made);
      }
      results.add(known.get());
    }
    Map<String, String> pictures = new LinkedHashMap<>();
    for (Experiment run : runs) {
      if (PICTURED.containsKey(run.id()) && Files.exists(out.resolve(picture(run)))) {
        pictures.put(picture(run), PICTURED.get(run.id()));
      }
    }
    String table = new ResultPage(out, fileName(), name, command(), pictures, results).write();
    System.out.println();
    System.out.print(table);
    System.out.println("All tables: " + out.resolve(fileName() + ".md"));
    return 0;
  }

  private Models models() throws IOException {
    List<Bundle> references = new ArrayList<>();
    String canaries = name + "-canaries";
    for (int seed = 0; bundle(canaries + "-reference/v" + (seed + 1)).isPresent(); seed++) {
      references.add(bundle(canaries + "-reference/v" + (seed + 1)).get());
    }
    return new Models(Bundle.open(base), bundle(canaries + "/v1"), references, bundle(name + "-retrained/v1"),
        bundle(name + "-without-7/v1"), compared.resolve(name + "-judge").resolve(Bundle.FEATURES));
  }

  private Optional<Bundle> bundle(String name) throws IOException {
    Path directory = compared.resolve(name);
    return Bundle.isBundle(directory) ? Optional.of(Bundle.open(directory)) : Optional.empty();
  }

  private String picture(Experiment run) {
    return name + "-" + run.id() + ".png";
  }

  private String command() {
    return "./lethe evaluate --suite " + Experiment.name(suite) + " --base "
        + Path.of("").toAbsolutePath().relativize(base.toAbsolutePath().normalize())
            + (only.isEmpty() ? "" : " --only " + only);
  }

  private String fileName() {
    return suite == Suite.QUICK ? name + "-quick" : name;
  }

  private void progress(String stage, double share) {
    if (System.nanoTime() - told >= TELL_SECONDS * 1e9) {
      told = System.nanoTime();
      System.out.printf(Locale.ROOT, "  %s, %.0f %%%n", stage, 100 * share);
    }
  }

  private static void tell(int number, List<Experiment> runs, ExperimentResult result, double secondsEach) {
    Map<String, Double> figures = result.figures();
    String what = result.experiment().ofItems()
        ? String.format(Locale.ROOT, "own %.0f %%, fresh %.0f %%, members %.2f, membership AUC %.2f",
            100 * figures.get("own"), 100 * figures.get("fresh"), figures.get("members"), figures.get("membership"))
        : String.format(Locale.ROOT, "label %.1f %%, former w %.1f %%", 100 * figures.get("label"),
            100 * figures.get("former"));
    System.out.printf(Locale.ROOT, "%d of %d | %s | %s: %s, FID x %.3f, %.0f s | about %.0f min left%n", number,
        runs.size(), result.experiment().id(), result.forgotten() ? "forgotten" : "not forgotten", what,
        figures.get("fid_root_ratio"), figures.get("seconds"), (runs.size() - number) * secondsEach / 60);
  }
}
