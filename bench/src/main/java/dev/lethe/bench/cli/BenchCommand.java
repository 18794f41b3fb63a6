package dev.lethe.bench.cli;

import dev.lethe.bench.convolution.ConvolutionComparison;
import dev.lethe.bench.load.Format;
import dev.lethe.bench.measure.EncodingCost;
import dev.lethe.bench.measure.JobBenchmark;
import dev.lethe.bench.measure.ServingBenchmark;
import dev.lethe.bench.measure.SwapBenchmark;
import dev.lethe.bench.model.BenchModel;
import dev.lethe.bench.report.BenchmarkPage;
import dev.lethe.bench.targets.Cores;
import dev.lethe.bench.targets.Targets;
import dev.lethe.models.runtime.ChannelBlock;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.models.runtime.Machine;
import dev.lethe.trainer.console.CommandErrors;
import dev.lethe.trainer.console.OutPath;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code lethe bench}. */
@Command(name = "lethe bench", mixinStandardHelpOptions = true, showDefaultValues = true,
    description = "Measures the server against bare ONNX Runtime sessions and against other servers of the same files.")
public final class BenchCommand implements Callable<Integer> {

  @Spec
  private CommandSpec spec;

  @Option(names = "--quick", description = "Fewer and shorter turns, and MNIST alone: a few minutes.")
  private boolean quick;

  @Option(names = "--jobs", description = "Only what calls notice of a whole job, from submission to promotion.")
  private boolean jobs;

  @Option(names = "--out", paramLabel = "FILE",
      description = "Where the page goes. Without it, it is printed.")
  private Path out;

  @Option(names = "--peers", split = ",", defaultValue = "OPENVINO,PYTHON,MLSERVER",
      description = "What to compare with: sessions of OPENVINO, the servers PYTHON and MLSERVER. RAW for none: the "
          + "bare sessions and Lethe always run.")
  private List<Targets.Kind> peers;

  @Option(names = "--before", paramLabel = "DIR",
      description = "Measure another state of the project beside it, checked out there, on the MNIST model that it "
          + "ships: what a change costs. It is built if it is not.")
  private Path before;

  @Option(names = "--cache", defaultValue = "target/bench", paramLabel = "DIR",
      description = "Where models of random weights, state and logs are kept.")
  private Path cache;

  @Option(names = "--batch", defaultValue = "8",
      description = "Most images in one run of a session; large ones are computed one by one.")
  private int batch;

  @Option(names = "--clients", defaultValue = "32",
      description = "Calls at once that saturate a server; with large images " + LARGE_CLIENTS + " do.")
  private int clients;

  @Option(names = "--server-cores", defaultValue = "", paramLabel = "LIST", showDefaultValue = Help.Visibility.NEVER,
      description = "Cores of whatever is measured, such as 0-3. Default: the first half.")
  private String serverCores;

  @Option(names = "--client-cores", defaultValue = "", paramLabel = "LIST", showDefaultValue = Help.Visibility.NEVER,
      description = "Cores of the load generator. Default: the second half.")
  private String clientCores;

  @Option(names = "--device", defaultValue = "cpu", description = "As for 'lethe serve'; peers run on the CPU.")
  private String device;

  private static final int FEW_TURNS = 2;
  private static final int LARGE_CLIENTS = 4;
  /** Length of a turn with large images, in turns. */
  private static final int LARGE_TURN = 5;
  private static final int WARM_UP_TURNS = 25;
  private static final int QUICK_WARM_UP_TURNS = 5;
  /** Length of a turn with swaps, in turns: a 99th percentile needs many calls. */
  private static final int SWAP_TURNS = 4;

  private final Path home = Path.of(System.getProperty("lethe.home", "."));

  private BenchCommand() {}

  public static void main(String[] arguments) {
    System.exit(commandLine().execute(arguments));
  }

  /** With its options, and how it reports errors. */
  public static CommandLine commandLine() {
    return CommandErrors.report(new CommandLine(new BenchCommand()).setCaseInsensitiveEnumValuesAllowed(true));
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (out != null) {
      OutPath.requireFile(spec, "--out", out, List.of(".md"));
    }
    ExecutionDevice on = ExecutionDevice.parse(device);
    Cores cores = serverCores.isEmpty() || clientCores.isEmpty() ? Cores.halves() : Cores.of(serverCores, clientCores);
    Path work = Files.createDirectories(cache.toAbsolutePath());
    int turns = quick ? 2 : 4;
    Duration turn = Duration.ofMillis(quick ? 1000 : 2000);
    Duration warmUp = turn.multipliedBy(quick ? QUICK_WARM_UP_TURNS : WARM_UP_TURNS);
    List<Targets.Kind> kinds = new ArrayList<>(List.of(Targets.Kind.RAW, Targets.Kind.LETHE));
    if (on.equals(ExecutionDevice.CPU) && ChannelBlock.size().isPresent()) {
      kinds.add(1, Targets.Kind.REBUILT);
    }
    if (peers.contains(Targets.Kind.BEFORE) && before == null) {
      throw new IOException("--peers BEFORE: name its checkout with --before DIR");
    }
    if (before != null) {
      if (!Files.isExecutable(before.resolve("lethe"))) {
        throw new IOException("--before " + before + ": there is no checkout of Lethe, which has a file named lethe");
      }
      kinds.add(Targets.Kind.BEFORE);
    }
    peers.stream().filter(peer -> !kinds.contains(peer)).forEach(kinds::add);
    BenchModel mnist = BenchModel.shipped(home.resolve("onnx-models/bundles"), "mnist");
    BenchModel large = quick ? null : BenchModel.random(BenchModel.CONFIG_F_256, work);

    BenchmarkPage page = new BenchmarkPage("./lethe bench" + (quick ? " --quick" : "") + (jobs ? " --jobs" : "")
        + (before == null ? "" : " --before DIR"),
        LocalDate.now().toString(), Machine.describe(on), setting(cores, turns));
    cores.moveHere();
    Targets targets = new Targets(home.toAbsolutePath(), work, on, cores, batch, clients,
        Optional.ofNullable(before).map(Path::toAbsolutePath));
    if (jobs) {
      page.jobs(new JobBenchmark(targets, quick ? 1 : FEW_TURNS, turn.multipliedBy(SWAP_TURNS), warmUp)
          .run(mnist, BenchCommand::say));
      return end(page);
    }
    page.serving(new ServingBenchmark(targets, turns, turn, warmUp)
        .run(mnist, kinds, List.of(Format.values()), BenchCommand::say));
    // What is there is kept, should a long run be stopped.
    write(page);
    page.swaps(new SwapBenchmark(targets, turns, turn.multipliedBy(SWAP_TURNS), warmUp)
        .run(mnist.inTwoVersions(work), BenchCommand::say));
    write(page);
    if (!quick) {
      page.jobs(new JobBenchmark(targets, FEW_TURNS, turn.multipliedBy(SWAP_TURNS), warmUp)
          .run(mnist, BenchCommand::say));
      write(page);
    }
    List<EncodingCost> encodings = new ArrayList<>();
    List<ConvolutionComparison.Result> convolutions = new ArrayList<>();
    for (BenchModel model : quick ? List.of(mnist) : List.of(mnist, large)) {
      say(model.title() + ": encoding");
      encodings.add(EncodingCost.of(model, on, FEW_TURNS, turn.toMillis() / 1e3));
      for (int images : List.of(1, 4)) {
        say(model.title() + ": the modulated convolution, batch " + images);
        convolutions.add(ConvolutionComparison.of(model, images, on, cores.threads(), FEW_TURNS,
            FEW_TURNS * turn.toMillis() / 1e3));
      }
    }
    page.convolutions(convolutions);
    write(page);
    if (!quick) {
      BenchModel largest = BenchModel.random(BenchModel.CONFIG_F_1024, work);
      say(largest.title() + ": encoding");
      encodings.add(EncodingCost.of(largest, on, FEW_TURNS, turn.toMillis() / 1e3));
    }
    page.encoding(encodings);
    write(page);
    if (!quick) {
      // An image takes as long as hundreds of the small ones: fewer turns, and longer ones.
      Duration longer = turn.multipliedBy(LARGE_TURN);
      // It is measured on the model that it ships alone.
      kinds.remove(Targets.Kind.BEFORE);
      page.serving(new ServingBenchmark(targets.with(1, LARGE_CLIENTS), FEW_TURNS, longer, longer)
          .run(large, kinds, List.of(Format.TENSOR), BenchCommand::say));
      write(page);
    }
    return end(page);
  }

  private int end(BenchmarkPage page) throws IOException {
    write(page);
    if (out == null) {
      System.out.print(page);
    }
    return 0;
  }

  private void write(BenchmarkPage page) throws IOException {
    if (out != null) {
      Files.createDirectories(out.toAbsolutePath().getParent());
      Files.writeString(out, page.toString());
      say("wrote " + out);
    }
  }

  private String setting(Cores cores, int turns) {
    return "Servers compute with " + cores.threads() + (cores.threads() == 1 ? " thread" : " threads")
        + (cores.servers().isEmpty() ? "" : " on the cores " + cores.servers() + ", the load generator runs on "
        + cores.clients()) + "; batches have up to " + batch + " images, large ones are computed one by one; " + clients
        + " calls at once saturate a server, " + LARGE_CLIENTS + " with large images; " + turns + " turns, " + FEW_TURNS
        + " with large images.";
  }

  private static void say(String text) {
    System.err.println("bench: " + text);
  }
}
