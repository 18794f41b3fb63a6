package dev.lethe.server;

import dev.lethe.models.runtime.NativeRuntimeException;
import dev.lethe.server.config.Configuration;
import dev.lethe.server.config.ConfigurationException;
import dev.lethe.server.config.Setting;
import dev.lethe.server.tracing.Tracing;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.slf4j.bridge.SLF4JBridgeHandler;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import sun.misc.Signal;

/** {@code lethe serve}. */
@Command(name = "lethe serve", sortOptions = false, usageHelpWidth = 100,
    description = "Serves models over gRPC, and unlearns on request. When it is ready it prints one line on standard"
        + " output, \"lethe: serving on HOST:PORT\". SIGTERM and SIGINT end it after the calls in flight, a second "
        + "one at once.",
    footer = {"", "Each setting can also stand in the file, as \"port: 8080\", or in the environment, as"
        + " LETHE_PORT. Flags go before the environment, the environment before the file.", "",
        "A model may have its own max-batch, max-queue-delay, concurrency, max-queue, precision, latents and approval,"
        + " in the file alone: as \"max-batch: 4\" in a section of its name below \"per-model:\". They go before "
        + "all that is"
        + " said of all models."})
public final class ServeCommand implements Callable<Integer> {

  /** What a process that a signal has ended gives as its status, less the signal's number. */
  private static final int SIGNALLED = 128;
  /** Followed by a setting's key: the property by which a start script gives another default. */
  private static final String DEFAULT_PREFIX = "lethe.default.";

  @Option(names = "--config", paramLabel = "FILE", defaultValue = "${env:LETHE_CONFIG}",
      description = "YAML file of settings. Default: the environment's LETHE_CONFIG, or none.")
  private Path file;

  @Option(names = "--print-config",
      description = "Print the settings that hold, as such a file, with where each comes from, and end.")
  private boolean print;

  @Option(names = {"-h", "--help"}, usageHelp = true, description = "Show this help.")
  private boolean help;

  @Spec
  private CommandSpec spec;

  public static void main(String[] arguments) {
    System.exit(commandLine().execute(arguments));
  }

  /** With an option for each setting. */
  public static CommandLine commandLine() {
    CommandLine command = new CommandLine(new ServeCommand());
    for (Setting<?> setting : ServerSettings.ALL) {
      OptionSpec.Builder option = OptionSpec.builder(setting.flag())
          .type(String.class)
          .paramLabel(setting.placeholder())
          .description(setting.help() + (setting.fallback() == null ? "" : " Default: " + setting.fallback()));
      if ("false".equals(setting.fallback())) {
        option.arity("0..1").fallbackValue("true");
      }
      command.getCommandSpec().addOption(option.build());
    }
    return command.setParameterExceptionHandler(new WrongUsage());
  }

  @Override
  public Integer call() throws InterruptedException {
    Configuration configuration = ServerSettings.read(new Configuration.Sources(flags(), System.getenv(),
        Optional.ofNullable(file), defaults()));
    ServerOptions options;
    try {
      options = ServerSettings.options(configuration);
    } catch (ConfigurationException e) {
      System.err.println("lethe: " + e.getMessage());
      return ExitCode.USAGE;
    }
    if (print) {
      System.out.print(configuration.toYaml());
      return ExitCode.OK;
    }
    // Before the first line of the log: its configuration reads the property.
    System.setProperty("lethe.log.format",
        configuration.get(ServerSettings.LOG_FORMAT).name().toLowerCase(Locale.ROOT));
    SLF4JBridgeHandler.removeHandlersForRootLogger();
    SLF4JBridgeHandler.install();
    return serve(options);
  }

  private Map<String, String> flags() {
    Map<String, String> flags = new HashMap<>();
    for (Setting<?> setting : ServerSettings.ALL) {
      String value = spec.commandLine().getParseResult().matchedOptionValue(setting.flag(), (String) null);
      if (value != null) {
        flags.put(setting.flag(), value);
      }
    }
    return flags;
  }

  private static Map<String, String> defaults() {
    Map<String, String> defaults = new HashMap<>();
    for (Setting<?> setting : ServerSettings.ALL) {
      String value = System.getProperty(DEFAULT_PREFIX + setting.key());
      if (value != null) {
        defaults.put(setting.key(), value);
      }
    }
    return defaults;
  }

  private static int serve(ServerOptions options) throws InterruptedException {
    Tracing tracing;
    try {
      tracing = Tracing.configured(System.getenv());
    } catch (IllegalArgumentException e) {
      System.err.println("lethe: " + e.getMessage());
      return ExitCode.USAGE;
    }
    Server server;
    try {
      server = Server.start(options, tracing);
    } catch (IOException | NativeRuntimeException e) {
      System.err.println("lethe: " + e.getMessage());
      return ExitCode.SOFTWARE;
    }
    CountDownLatch asked = new CountDownLatch(1);
    endOn("TERM", asked);
    endOn("INT", asked);
    String host = options.host();
    System.out.println("lethe: serving on " + (host.contains(":") ? "[" + host + "]" : host) + ":" + server.port());
    asked.await();
    server.close();
    return ExitCode.OK;
  }

  /**
   * Takes a signal before the Java virtual machine does: its shutdown hooks run side by side, and one of ONNX Runtime's
   * frees what sessions still compute with while calls in flight go on. A second signal ends the process at once.
   */
  private static void endOn(String signal, CountDownLatch asked) {
    Signal.handle(new Signal(signal), received -> {
      if (asked.getCount() == 0) {
        Runtime.getRuntime().halt(SIGNALLED + received.getNumber());
      }
      asked.countDown();
    });
  }
}
