package dev.lethe.trainer.evaluation;

import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.models.runtime.Machine;
import dev.lethe.trainer.device.DeviceOption;
import dev.lethe.trainer.evaluation.Evaluation.Models;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lethe evaluate}. */
@Command(name = "lethe evaluate", mixinStandardHelpOptions = true, showDefaultValues = true,
    description = "Measures unlearning over a grid of choices, with baselines, on MNIST: prints a table, and writes "
        + "tables and plots. An evaluation that was stopped goes on with the same command.")
public final class EvaluateCommand implements Callable<Integer> {

  @Option(names = "--suite", defaultValue = "quick",
      description = "quick: the choices that people start with. paper: each choice varied on its own, the baselines, an "
          + "overfitted base, long runs. full: every combination. (${COMPLETION-CANDIDATES})")
  private Suite suite;

  @Option(names = "--data", required = true, paramLabel = "DIR", description = "MNIST in full, as IDX files.")
  private Path data;

  @Option(names = "--base", required = true, paramLabel = "DIR", description = "Bundle of the model that unlearns.")
  private Path base;

  @Option(names = "--overfitted", paramLabel = "DIR",
      description = "Bundle of a model that knows the first 1,000 training images by heart; without it its runs are "
          + "left out.")
  private Path overfitted;

  @Option(names = "--retrained", paramLabel = "DIR",
      description = "Bundle of the base trained without the first 64 training images; without it there is no such "
          + "baseline.")
  private Path retrained;

  @Option(names = "--out", defaultValue = "docs/results", paramLabel = "DIR",
      description = "Where tables and plots go.")
  private Path out;

  @Option(names = "--runs", defaultValue = "runs/evaluate", paramLabel = "DIR",
      description = "Where the result of each run is kept.")
  private Path runs;

  @Option(names = "--only", defaultValue = "", paramLabel = "TEXT",
      description = "Make only runs whose names contain this, such as 'overfitted' or 'n64-end-s0'.")
  private String only;

  @Mixin
  private DeviceOption device;

  @Option(names = "--threads", defaultValue = "0", description = "Threads; 0 for one on each core.")
  private int threads;

  private EvaluateCommand() {}

  public static void main(String[] arguments) {
    System.exit(new CommandLine(new EvaluateCommand()).setCaseInsensitiveEnumValuesAllowed(true)
        .setExecutionExceptionHandler((error, command, parsed) -> {
          if (error instanceof IOException) {
            command.getErr().println("lethe: " + error.getMessage());
            return 1;
          }
          throw error;
        }).execute(arguments));
  }

  @Override
  public Integer call() throws IOException {
    ExecutionDevice on = device.device();
    Models models = new Models(Bundle.open(base), bundle(overfitted), bundle(retrained));
    List<Cell> asked = suite.cells().stream().filter(cell -> cell.id().contains(only)).toList();
    List<Cell> cells = asked.stream().filter(models::has).toList();
    if (cells.size() < asked.size()) {
      System.out.println((asked.size() - cells.size()) + " runs are left out: their model is not there");
    }
    ResultStore store = new ResultStore(runs.resolve("results"));
    Files.createDirectories(out);
    Evaluation evaluation = null;
    List<CellResult> results = new ArrayList<>();
    int made = 0;
    long started = System.nanoTime();
    for (Cell cell : cells) {
      Optional<CellResult> known = store.find(cell);
      if (known.isEmpty()) {
        if (evaluation == null) {
          evaluation = new Evaluation(models, EvaluationData.open(data), runs.resolve("session"),
              Machine.describe(on), on, threads);
        }
        CellResult result = evaluation.run(cell);
        store.write(result);
        if (Suite.QUICK.choices().contains(cell)) {
          evaluation.writePicture(cell, out.resolve(ResultPage.pictureOf(cell)));
        }
        made++;
        known = Optional.of(result);
        tell(results.size() + 1, cells, result, (System.nanoTime() - started) / 1e9 / made);
      }
      results.add(known.get());
    }
    String table = new ResultPage(out, fileName(), command(), results).write();
    System.out.println();
    System.out.print(table);
    System.out.println("All tables and plots: " + out.resolve(fileName() + ".md"));
    return 0;
  }

  private static Optional<Bundle> bundle(Path directory) throws IOException {
    return directory != null && Bundle.isBundle(directory) ? Optional.of(Bundle.open(directory)) : Optional.empty();
  }

  private String command() {
    return "./lethe evaluate --suite " + Cell.name(suite) + (only.isEmpty() ? "" : " --only " + only);
  }

  private String fileName() {
    return suite == Suite.PAPER ? "mnist" : "mnist-" + Cell.name(suite);
  }

  private static void tell(int number, List<Cell> cells, CellResult result, double secondsEach) {
    System.out.printf(Locale.ROOT, "%d of %d | %s | AUC_lu %.3f -> %.3f, FID_l %.2f -> %.2f, %.1f s | about %.0f min "
        + "left%n", number, cells.size(), result.cell().id(), result.before().aucLu(), result.after().aucLu(),
        result.before().fidL(), result.after().fidL(), result.seconds(), (cells.size() - number) * secondsEach / 60);
  }
}
