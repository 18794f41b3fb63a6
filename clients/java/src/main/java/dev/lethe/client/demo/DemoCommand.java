package dev.lethe.client.demo;

import dev.lethe.client.LetheClient;
import dev.lethe.client.Retry;
import dev.lethe.client.console.CommandLines;
import dev.lethe.client.console.Console;
import dev.lethe.client.console.OutPath;
import dev.lethe.client.console.ProgressLine;
import dev.lethe.v1.UnlearnSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code lethe demo}: the whole of Lethe on the shipped MNIST model, in a few minutes. */
@Command(name = "lethe demo", description = {
    "Starts a server with the shipped MNIST model, generates digits, unlearns real training images, swaps the "
        + "result in while a client keeps generating, and generates the same digits again.",
    "Writes before.png, after.png, unlearned.png, report.json, index.html and server.log."},
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {"0:everything worked", "1:something failed, or the unlearned version was not swapped in",
        "2:wrong options"})
public final class DemoCommand implements Callable<Integer> {

  /** System property: the root of this project, set by the script {@code lethe}. */
  private static final String HOME_PROPERTY = "lethe.home";

  private static final String MODEL = "mnist";
  private static final Duration SERVER_START = Duration.ofMinutes(2);
  private static final Duration ANSWER = Duration.ofSeconds(60);
  private static final Duration SWAP_SEEN = Duration.ofSeconds(15);

  private final Console console;

  @Spec
  private CommandLine.Model.CommandSpec command;

  @Option(names = {"-h", "--help"}, usageHelp = true, description = "Print this help.")
  private boolean help;

  @Option(names = {"-o", "--out"}, paramLabel = "DIR", defaultValue = "demo-out",
      description = "Where the results go. Default: demo-out.")
  private Path out;

  @Option(names = "--seed", defaultValue = "0",
      description = "Chooses the images, and every random draw of the job. Default: 0.")
  private long seed;

  @Option(names = "--images", defaultValue = "16", description = "How many images to unlearn. Default: 16.")
  private int images;

  @Option(names = "--learn", defaultValue = "256", description = "How many others to keep. Default: 256.")
  private int learn;

  @Option(names = "--iterations", description = "Most steps. Default: the server's.")
  private Integer iterations;

  @Option(names = "--keep", description = "Keep the server's files, in a folder server-... of --out.")
  private boolean keep;

  DemoCommand(Console console) {
    this.console = console;
  }

  public static void main(String[] args) {
    System.setProperty("java.awt.headless", "true");
    System.exit(commandLine(Console.system()).execute(args));
  }

  public static CommandLine commandLine(Console console) {
    return CommandLines.configure(new CommandLine(new DemoCommand(console)), console);
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    OutPath.requireFolder(command, out, List.of());
    long start = System.nanoTime();
    Path home = Path.of(System.getProperty(HOME_PROPERTY, ""));
    MnistSample.Choice choice = choice(home.resolve("onnx-models/mnist-sample"));
    Files.createDirectories(out);
    Path work = Files.createTempDirectory(out, "server-");
    List<String> wrong;
    try (ServerProcess server = ServerProcess.start(serve(home, work), out.resolve("server.log"), SERVER_START);
        LetheClient lethe = LetheClient.builder().host("127.0.0.1").port(server.port()).timeout(ANSWER)
            // A call that fails while versions are swapped is to be seen.
            .retry(Retry.NONE).build()) {
      console.out().println("A server with the model " + MODEL + " listens on 127.0.0.1:" + server.port()
          + ", its log: " + out.resolve("server.log"));
      wrong = new Demo(lethe, console, out, SWAP_SEEN).run(spec(), choice);
    }
    if (!wrong.isEmpty()) {
      wrong.forEach(line -> console.err().println("lethe: " + line));
      console.err().println("lethe: the server's files, with the worker's log, are kept in " + work);
      return 1;
    }
    if (keep) {
      console.out().println("The server's files: " + work);
    } else {
      delete(work);
    }
    console.out().println("All done in " + ProgressLine.duration((System.nanoTime() - start) / 1e9) + ": open "
        + out.resolve("index.html"));
    return 0;
  }

  private MnistSample.Choice choice(Path folder) throws IOException {
    MnistSample sample = MnistSample.read(folder);
    try {
      return sample.choose(images, learn, seed);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(command.commandLine(), e.getMessage(), e);
    }
  }

  private UnlearnSpec spec() {
    UnlearnSpec.Builder spec = UnlearnSpec.newBuilder().setModel(MODEL).setSeed(seed);
    if (iterations != null) {
      spec.setIterations(iterations);
    }
    return spec.build();
  }

  private static List<String> serve(Path home, Path work) {
    return List.of(home.resolve("lethe").toAbsolutePath().toString(), "serve",
        "--host", "127.0.0.1", "--port", "0",
        "--models", home.resolve("onnx-models/bundles").toString(),
        "--state", work.resolve("state").toString(),
        "--jobs", work.resolve("jobs").toString(),
        "--data", home.resolve("onnx-models/mnist-sample").toString());
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> walk = Files.walk(folder)) {
      for (Path path : walk.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }
}
