package dev.lethe.trainer.speed;

import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.OnnxWriter;
import dev.lethe.models.graph.Ops;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import dev.lethe.models.runtime.Compute;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.models.runtime.InferenceSession;
import dev.lethe.models.runtime.Machine;
import dev.lethe.models.stylegan2.StyleGan2Config;
import dev.lethe.models.stylegan2.Weights;
import dev.lethe.trainer.adversarial.AdversarialOptions;
import dev.lethe.trainer.adversarial.AdversarialTrainer;
import dev.lethe.trainer.console.CommandErrors;
import dev.lethe.trainer.console.OutPath;
import dev.lethe.trainer.data.Datasets;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.session.LearnerKind;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * {@code lethe bench training}: images a second of the adversarial training of networks of the shipped MNIST model's
 * sizes, with either learner and in PyTorch, in turns, and what a large matrix product says that the processor could
 * do.
 */
@Command(name = "lethe bench training", mixinStandardHelpOptions = true, showDefaultValues = true,
    description = "Measures a training step against PyTorch and against the processor's arithmetic.")
public final class SpeedCommand implements Callable<Integer> {

  private static final StyleGan2Config MNIST = new StyleGan2Config(32, 1, 10, 64, 64, 2, 1024, 48);
  private static final int R1_INTERVAL = 16;
  private static final int IMAGES = 256;
  /** Rows and columns of the matrices whose product says what the processor could do. */
  private static final int LARGE = 1024;

  @Spec
  private CommandSpec spec;

  @Option(names = "--batch", defaultValue = "16", description = "Images a step, a multiple of 4.")
  private int batch;

  @Option(names = "--threads", defaultValue = "1,2", split = ",", description = "Threads, one row of the table each.")
  private List<Integer> threads;

  @Option(names = "--turns", defaultValue = "5", description = "Turns; what is said is their median.")
  private int turns;

  @Option(names = "--steps", defaultValue = "" + R1_INTERVAL,
      description = "Steps of a turn; R1 applies to one in " + R1_INTERVAL + ", so a multiple of that.")
  private int steps;

  @Option(names = "--python", defaultValue = "python3", paramLabel = "FILE",
      description = "A Python that has PyTorch (Debian, Ubuntu: apt-get install python3-torch). Empty for none.")
  private String python;

  @Option(names = "--out", paramLabel = "FILE", description = "Where the page goes. Without it, it is printed.")
  private Path out;

  private final Path home = Path.of(System.getProperty("lethe.home", "."));

  private SpeedCommand() {}

  public static void main(String[] arguments) {
    System.exit(commandLine().execute(arguments));
  }

  /** With its options, and how it reports errors. */
  public static CommandLine commandLine() {
    return CommandErrors.report(new CommandLine(new SpeedCommand()), Set.of(IllegalArgumentException.class));
  }

  @Override
  public Integer call() throws IOException {
    if (out != null) {
      OutPath.requireFile(spec, "--out", out, List.of(".md"));
    }
    if (steps < 1 || steps % R1_INTERVAL != 0 || turns < 1) {
      throw new IllegalArgumentException("--steps is " + steps + " and --turns " + turns
          + "; they must be a multiple of "
          + R1_INTERVAL + ", and 1 or above");
    }
    AdversarialOptions options =
        new AdversarialOptions(batch, 1000, 0.002, 0, 0.1, R1_INTERVAL, 0, 20, 0, 0);
    double multiplyAdds = AdversarialTrainer.multiplyAdds(MNIST, options) / batch;
    StringBuilder page = new StringBuilder();
    List<Map<String, double[]>> rows = new ArrayList<>();
    for (int count : threads) {
      rows.add(measure(options, count));
    }
    List<String> columns = List.copyOf(rows.get(0).keySet());
    page.append(String.format(Locale.ROOT, "# Training: images a second%n%n`./lethe bench training`, %s, %s.%n%n"
        + "A step of the discriminator and one of the generator, of networks of the sizes of the shipped MNIST "
        + "model, at "
        + "batch %d, with R1 each %d steps: %.1f million multiply-adds an image, convolutions and matrix products "
        + "alone. "
        + "The limit is what a product of two matrices of %d² reaches. Medians of %d turns (least to greatest).%n%n",
        LocalDate.now(), Machine.describe(ExecutionDevice.CPU), batch, R1_INTERVAL, multiplyAdds / 1e6, LARGE, turns));
    page.append("| threads | ").append(String.join(" | ", columns)).append(" | limit |\n|");
    page.append(" ---: |".repeat(columns.size() + 2)).append('\n');
    for (int i = 0; i < rows.size(); i++) {
      page.append("| ").append(threads.get(i)).append(" |");
      rows.get(i).values().forEach(values -> page.append(' ').append(summary(values)).append(" |"));
      page.append(String.format(Locale.ROOT, " %.0f |%n", rate(threads.get(i)) / multiplyAdds));
    }
    if (out == null) {
      System.out.print(page);
    } else {
      Files.writeString(out, page);
    }
    return 0;
  }

  private static String summary(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return String.format(Locale.ROOT, "%.0f (%.0f to %.0f)", sorted[sorted.length / 2], sorted[0],
        sorted[sorted.length - 1]);
  }

  /** Images a second of each turn, by what computes. */
  private Map<String, double[]> measure(AdversarialOptions options, int count) throws IOException {
    Path directory = Files.createTempDirectory("lethe-training");
    Map<String, IntToDoubleFunction> runs = new LinkedHashMap<>();
    List<AutoCloseable> open = new ArrayList<>();
    try {
      for (LearnerKind kind : LearnerKind.values()) {
        AdversarialTrainer trainer = AdversarialTrainer.open(MNIST, options, images(), Weights.initialize(MNIST, 1),
            directory.resolve(kind.toString()), kind, Compute.cpu(count));
        open.add(trainer);
        runs.put("learner " + kind, number -> {
          double before = trainer.seconds();
          IntStream.range(0, number).forEach(i -> trainer.step());
          return trainer.seconds() - before;
        });
      }
      peer(options, count).ifPresent(peer -> {
        open.add(peer);
        runs.put("PyTorch " + peer.version(), peer::seconds);
      });
      Map<String, double[]> rates = new LinkedHashMap<>();
      runs.keySet().forEach(name -> rates.put(name, new double[turns]));
      for (int turn = -1; turn < turns; turn++) {
        say(count + (count == 1 ? " thread" : " threads") + ", turn " + (turn + 1) + " of " + turns);
        for (Map.Entry<String, IntToDoubleFunction> run : runs.entrySet()) {
          double rate = steps * batch / run.getValue().applyAsDouble(steps);
          if (turn >= 0) {
            rates.get(run.getKey())[turn] = rate;
          }
        }
      }
      return rates;
    } finally {
      for (AutoCloseable one : open) {
        close(one);
      }
      delete(directory);
    }
  }

  private Optional<PyTorchPeer> peer(AdversarialOptions options, int count) {
    if (python.isEmpty()) {
      return Optional.empty();
    }
    try {
      return Optional.of(PyTorchPeer.start(python, home.resolve("bench/peers/pytorch/training.py"), MNIST,
          options, count));
    } catch (IOException e) {
      say("without PyTorch, which --python names: " + e.getMessage());
      return Optional.empty();
    }
  }

  private static ImageDataset images() {
    SplittableRandom random = new SplittableRandom(1);
    Tensor images = Tensor.zeros(IMAGES, MNIST.channels(), MNIST.resolution(), MNIST.resolution());
    for (int i = 0; i < images.data().length; i++) {
      images.data()[i] = (float) random.nextDouble(-1, 1);
    }
    return Datasets.of(IntStream.range(0, MNIST.classes()).mapToObj(Integer::toString).toList(), images,
        IntStream.range(0, IMAGES).map(i -> i % MNIST.classes()).toArray());
  }

  /** Multiply-adds a second of a large matrix product. */
  private static double rate(int threads) {
    Graph g = new Graph("product");
    Value a = g.input("a", LARGE, LARGE);
    g.output("product", Ops.gemm(a, g.input("b", LARGE, LARGE), false, false, 1));
    Map<String, Tensor> inputs = Map.of("a", Tensor.zeros(LARGE, LARGE), "b", Tensor.zeros(LARGE, LARGE));
    try (InferenceSession session =
        InferenceSession.open(OnnxWriter.inference(g, Map.of()), Compute.cpu(threads))) {
      double best = Double.POSITIVE_INFINITY;
      for (int i = 0; i < 20; i++) {
        long started = System.nanoTime();
        session.run(inputs);
        best = Math.min(best, (System.nanoTime() - started) / 1e9);
      }
      return Math.pow(LARGE, 3) / best;
    }
  }

  private static void close(AutoCloseable one) {
    try {
      one.close();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private static void delete(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      files.sorted(Comparator.reverseOrder()).forEach(file -> {
        try {
          Files.delete(file);
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      });
    }
  }

  private static void say(String text) {
    System.err.println("bench: " + text);
  }
}
