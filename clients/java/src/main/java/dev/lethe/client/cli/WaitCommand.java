package dev.lethe.client.cli;

import dev.lethe.client.LetheClient;
import dev.lethe.client.LetheException;
import dev.lethe.client.console.Console;
import dev.lethe.client.console.ProgressLine;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobState;
import io.grpc.Status;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicReference;
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
        "1:a job failed or was cancelled, or with --ready no server answered in time", "2:wrong options",
        "3:measured, and the old version still serves: not forgotten, a gate failed, or an operator decides",
        "4:the time of --for is over, and a job has not ended; it goes on"})
final class WaitCommand implements Callable<Integer> {

  /** A job has not ended in the time that there is. */
  static final int NOT_ENDED = 4;
  /** Exit codes, each outweighed by those behind it: what failed is told, whatever the other jobs did. */
  private static final List<Integer> WORSE = List.of(0, JobOutcome.NOT_PROMOTED, NOT_ENDED, 1);
  private static final Duration BETWEEN = Duration.ofMillis(500);
  private static final int READY_SECONDS = 60;
  /** For the question how a job stands when the time is over. */
  private static final int ANSWER_SECONDS = 5;

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

  @Option(names = "--for", paramLabel = "SECONDS", description = "Longest to wait, for all jobs together or with --ready."
      + " Default: until jobs have ended; with --ready 60.")
  private Integer patience;

  WaitCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws InterruptedException {
    if (ready == !jobs.isEmpty()) {
      throw new ParameterException(command.commandLine(), "name jobs, or --ready");
    }
    if (patience != null && patience < 1) {
      throw new ParameterException(command.commandLine(), "--for " + patience + " must be at least 1");
    }
    if (ready) {
      awaitServer();
      return 0;
    }
    server.refuseTimeout("how long to wait for jobs is --for SECONDS");
    if (patience != null) {
      server.limit(ANSWER_SECONDS);
    }
    int worst = 0;
    long end = System.nanoTime() + Duration.ofSeconds(patience == null ? 0 : patience).toNanos();
    try (LetheClient lethe = server.connect()) {
      JobOutcome outcome = new JobOutcome(console, true);
      for (String id : jobs) {
        Job last = patience == null ? outcome.follow(lethe, id) : until(end, lethe, id);
        int code = NOT_ENDED;
        if (LetheClient.hasEnded(last)) {
          if (output.isJson()) {
            output.line(console, last);
          } else if (!output.isText()) {
            console.out().println(last.getId());
          }
          code = outcome.end(last);
        } else {
          console.err().println("lethe: job " + id + " has not ended after " + patience + " s (--for): it is "
              + state(last) + ", and goes on");
        }
        worst = WORSE.get(Math.max(WORSE.indexOf(worst), WORSE.indexOf(code)));
      }
    }
    return worst;
  }

  /** A job as it is when it has ended, or the time is over. */
  private static Job until(long end, LetheClient lethe, String id) {
    long left = end - System.nanoTime();
    if (left <= 0) {
      return lethe.job(id);
    }
    AtomicReference<Job> last = new AtomicReference<>();
    return lethe.watch(id, Duration.ofNanos(left), last::set)
        .orElseGet(() -> last.get() == null ? lethe.job(id) : last.get());
  }

  private static String state(Job job) {
    return ProgressLine.name(job.getState()) + (job.getState() == JobState.JOB_STATE_RUNNING
        ? String.format(Locale.ROOT, ", %.0f %% done", 100 * job.getProgress().getFraction()) : "");
  }

  private void awaitServer() throws InterruptedException {
    long end = System.nanoTime() + Duration.ofSeconds(patience == null ? READY_SECONDS : patience).toNanos();
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
