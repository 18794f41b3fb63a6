package dev.lethe.bench.device;

import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.models.runtime.Machine;
import dev.lethe.trainer.console.CommandErrors;
import dev.lethe.trainer.console.OutPath;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.LocalDate;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code lethe bench device}. */
@Command(name = "lethe bench device", mixinStandardHelpOptions = true, showDefaultValues = true,
    description =
        {"Tries a device: whether its images are right, how fast synthesis, training and the server are there.",
        "Each step runs in a process of its own with a limit; a step that fails does not keep the next."},
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {"0:all steps ran to their end", "1:a step failed, was ended or left out", "2:wrong options"})
public final class DeviceCommand implements Callable<Integer> {

  /** Below this a step is not begun. */
  private static final Duration LEAST = Duration.ofSeconds(10);
  /** Left for the last row to be written. */
  private static final Duration RESERVE = Duration.ofSeconds(2);

  /** With small networks the steps are what is tried, perhaps on a busy core: their limits are so many times longer. */
  private static final int PATIENCE = 10;

  @Spec
  private CommandSpec spec;

  @Option(names = "--device", defaultValue = "cuda:0", description = "As for 'lethe serve'.")
  private String device;

  @Option(names = "--steps", split = ",", paramLabel = "STEP",
      defaultValue = "AGREEMENT,CEILING,SYNTHESIS,LARGE_SYNTHESIS,TRAINING,LARGE_TRAINING,SERVING,PROFILE,DEMO",
      description = "What is done, in this order: ${COMPLETION-CANDIDATES}.")
  private List<Step> steps;

  @Option(names = "--limit", defaultValue = "600", paramLabel = "SECONDS", description = "Of all steps together.")
  private long limit;

  @Option(names = "--out", defaultValue = "target/device", paramLabel = "DIR",
      description = "Where results.md and results.jsonl go, row by row, and logs. Rows of earlier runs stay.")
  private Path out;

  @Option(names = "--work", paramLabel = "DIR", description = "Where models and files of work are kept. Default: "
      + "a folder of --out.")
  private Path work;

  @Option(names = "--small", description = "Networks and batches for a processor: tries the steps, not the device.")
  private boolean small;

  private final Path home = Path.of(System.getProperty("lethe.home", "."));
  private final Map<String, Double> ceilings = new HashMap<>();
  private final AtomicBoolean wrong = new AtomicBoolean();

  private DeviceCommand() {}

  public static void main(String[] arguments) {
    System.exit(commandLine().execute(arguments));
  }

  /** With its options, and how it reports errors. */
  public static CommandLine commandLine() {
    return CommandErrors.report(new CommandLine(new DeviceCommand()).setCaseInsensitiveEnumValuesAllowed(true),
        Set.of(IllegalArgumentException.class));
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    OutPath.requireFolder(spec, "--out", out);
    long started = System.nanoTime();
    ExecutionDevice on = ExecutionDevice.parse(device);
    Path folder = Files.createDirectories(out.toAbsolutePath());
    Path kept = Files.createDirectories(work == null ? folder.resolve("work") : work.toAbsolutePath());
    String machine = Machine.describe(on) + (on instanceof ExecutionDevice.Cuda cuda ? Gpu.driver(cuda.id()) : "");
    DevicePage page = new DevicePage("./lethe bench device --device " + on + (small ? " --small" : ""),
        LocalDate.now().toString(), machine);
    Files.writeString(folder.resolve("machine.txt"), machine + "\n");
    say(machine);
    restore(folder, page);
    for (Step step : steps) {
      Duration left = Duration.ofSeconds(limit).minusNanos(System.nanoTime() - started).minus(RESERVE);
      if (left.compareTo(LEAST) < 0) {
        say(step + ": left out, there is no time for it");
        wrong.set(true);
        continue;
      }
      Duration own = Duration.ofSeconds(step.seconds()).multipliedBy(small ? PATIENCE : 1);
      say(step + ": " + step.title());
      StepProcess.run(StepProcess.command(step, new Setting(on, home.toAbsolutePath(), kept, small, row -> { })),
          own.compareTo(left) < 0 ? own : left, folder.resolve(step + ".log"), row -> take(folder, page, step, row));
    }
    say("results are in " + folder.resolve("results.md"));
    return wrong.get() ? 1 : 0;
  }

  /** Takes up what an earlier run into the same folder found. */
  private void restore(Path folder, DevicePage page) throws IOException {
    Path file = folder.resolve("results.jsonl");
    if (Files.exists(file)) {
      for (String line : Files.readAllLines(file)) {
        Map<String, Object> cells = new LinkedHashMap<>(Figures.parse(line).cells());
        Step step = Step.valueOf((String) cells.remove("step"));
        page.add(step, withShare(step, new Figures(cells)));
      }
    }
  }

  private void take(Path folder, DevicePage page, Step step, Figures found) {
    Figures row = withShare(step, found);
    if (row.cells().containsKey(Figures.NOTE)) {
      wrong.set(true);
    }
    page.add(step, row);
    say(step + ": " + row);
    Map<String, Object> cells = new LinkedHashMap<>();
    cells.put("step", step.name());
    cells.putAll(row.cells());
    try {
      Files.writeString(folder.resolve("results.jsonl"), new Figures(cells).json() + "\n", StandardCharsets.UTF_8,
          StandardOpenOption.CREATE, StandardOpenOption.APPEND);
      Files.writeString(folder.resolve("results.md"), page.toString());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Figures withShare(Step step, Figures row) {
    Object arithmetic = row.cells().get(Figures.ARITHMETIC);
    if (!(arithmetic instanceof String name) || !(row.cells().get(Figures.TERAFLOPS) instanceof Double rate)) {
      return row;
    }
    if (step == Step.CEILING) {
      ceilings.put(name, rate);
      return row;
    }
    Double ceiling = ceilings.get(name);
    return ceiling == null ? row : row.with(Figures.SHARE, rate / ceiling);
  }

  private static void say(String text) {
    System.out.println("device: " + text);
  }
}
