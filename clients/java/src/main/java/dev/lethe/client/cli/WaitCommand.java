package dev.lethe.client.cli;

import dev.lethe.client.LetheClient;
import dev.lethe.client.LetheException;
import dev.lethe.client.console.Console;
import dev.lethe.v1.Job;
import io.grpc.Status;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lethe wait}: for scripts, which want an exit code and no picture of the progress. */
@Command(name = "wait", description = "Waits until jobs have ended, or with --ready until the server answers; prints"
    + " nothing but what is asked for by -o, and what failed.",
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {"0:all jobs did what was asked, or the server answers",
        "1:a job failed or was cancelled, or the time is over", "2:wrong options",
        "3:measured, but not forgotten, or a gate failed: the old version still serves"})
final class WaitCommand implements Callable<Integer> {

  private static final Duration BETWEEN = Duration.ofMillis(500);

  private final Console console;

  @Spec
  private CommandSpec command;

  @Mixin
  private ServerOptions server;

  @Mixin
  private Output output;

  @Parameters(arity = "0..*", paramLabel = "JOB", description = "The jobs.")
  private List<String> jobs = List.of();

  @Option(names = "--ready", description = "Wait until the server answers. Default: for jobs.")
  private boolean ready;

  @Option(names = "--for", paramLabel = "SECONDS", description = "Longest to wait with --ready. Default: 60.",
      defaultValue = "60")
  private int patience;

  WaitCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws InterruptedException {
    if (ready == !jobs.isEmpty()) {
      throw new ParameterException(command.commandLine(), "name jobs, or --ready");
    }
    if (ready) {
      awaitServer();
      return 0;
    }
    int worst = 0;
    try (LetheClient lethe = server.connect()) {
      JobOutcome outcome = new JobOutcome(console, true);
      for (String id : jobs) {
        Job ended = outcome.follow(lethe, id);
        if (output.isJson()) {
          output.line(console, ended);
        } else if (!output.isText()) {
          console.out().println(ended.getId());
        }
        int code = outcome.end(ended);
        // What failed outweighs what was not promoted.
        worst = worst == 1 || code == 1 ? 1 : Math.max(worst, code);
      }
    }
    return worst;
  }

  private void awaitServer() throws InterruptedException {
    long end = System.nanoTime() + Duration.ofSeconds(patience).toNanos();
    while (true) {
      try (LetheClient lethe = server.connect()) {
        lethe.models();
        return;
      } catch (LetheException notYet) {
        if (notYet.code() != Status.Code.UNAVAILABLE || notYet.certificate().isPresent() || System.nanoTime() >= end) {
          throw notYet;
        }
      }
      Thread.sleep(BETWEEN.toMillis());
    }
  }
}
