package dev.lethe.client.cli;

import com.google.gson.JsonObject;
import com.google.protobuf.Timestamp;
import dev.lethe.client.LetheClient;
import dev.lethe.client.cli.Output.Column;
import dev.lethe.client.console.Console;
import dev.lethe.client.console.ProgressLine;
import dev.lethe.client.report.ReportTable;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobChange;
import dev.lethe.v1.JobPhase;
import java.io.PrintStream;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lethe jobs list|get|watch|cancel|approve|reject|retry|delete}. */
@Command(name = "jobs", description = "Shows, follows and decides on unlearning jobs.",
    synopsisSubcommandLabel = "COMMAND")
final class JobsCommand {

  private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss");

  private static final List<Column<Job>> COLUMNS = List.of(
      Column.of("JOB", Job::getId),
      Column.of("STATE", JobsCommand::state),
      Column.of("DONE", job -> String.format(Locale.ROOT, "%.0f %%", 100 * job.getProgress().getFraction())),
      Column.of("IMAGES", job -> String.valueOf(job.getUnlearnImages())),
      Column.of("BASE", Job::getBaseVersion),
      Column.of("NEW", Job::getNewVersion),
      Column.of("SERVES", job -> job.getPromoted() ? "yes" : "no"),
      Column.of("SUBMITTED", job -> time(job.getSubmitted())),
      Column.wide("MODEL", job -> job.getSpec().getModel()),
      Column.wide("VERDICT", job -> job.getReport().getVerdict()),
      Column.wide("BY", Job::getSubmittedBy),
      Column.wide("ENDED", job -> job.hasEnded() ? time(job.getEnded()) : ""),
      Column.wide("MESSAGE", Job::getMessage));

  private final Console console;

  JobsCommand(Console console) {
    this.console = console;
  }

  @Command(name = "list", description = "Lists all jobs, newest first.")
  int list(@Mixin ServerOptions server, @Mixin Output output) {
    try (LetheClient lethe = server.connect()) {
      output.list(console, lethe.jobs(), COLUMNS, Job::getId);
      return 0;
    }
  }

  @Command(name = "get", aliases = "show", description = "Prints one job, and what it measured.")
  int get(@Mixin ServerOptions server, @Mixin Output output, @Parameters(paramLabel = "JOB") String id) {
    try (LetheClient lethe = server.connect()) {
      print(lethe.job(id), output);
      return 0;
    }
  }

  @Command(name = "watch", description = "Follows a job until it ends; exit codes as of unlearn.")
  int watch(@Mixin ServerOptions server, @Mixin Output output, @Parameters(paramLabel = "JOB") String id) {
    server.refuseTimeout("'lethe wait JOB --for SECONDS' waits no longer than that");
    try (LetheClient lethe = server.connect()) {
      JobOutcome outcome = new JobOutcome(console, server.isQuiet() || !output.isText());
      if (output.isJson()) {
        // A line for each change, or for the end alone.
        Job ended = lethe.watch(id, now -> {
          if (!server.isQuiet() || LetheClient.hasEnded(now)) {
            output.line(console, now);
          }
        });
        return outcome.end(ended);
      }
      if (!output.isText()) {
        Job ended = outcome.follow(lethe, id);
        console.out().println(ended.getId());
        return outcome.end(ended);
      }
      return outcome.report(outcome.follow(lethe, id));
    }
  }

  @Command(name = "cancel", description = "Ends a queued or running job.")
  int cancel(@Mixin ServerOptions server, @Mixin Output output, @Parameters(paramLabel = "JOB") String id) {
    try (LetheClient lethe = server.connect()) {
      print(lethe.cancel(id), output);
      return 0;
    }
  }

  @Command(name = "approve", description = "Promotes the candidate of a job that awaits approval.")
  int approve(@Mixin ServerOptions server, @Mixin Output output, @Parameters(paramLabel = "JOB") String id,
      @Mixin Reason reason) {
    try (LetheClient lethe = server.connect()) {
      print(lethe.approve(id, reason.text), output);
      return 0;
    }
  }

  @Command(name = "reject", description = "Leaves the candidate of a job that awaits approval a candidate.")
  int reject(@Mixin ServerOptions server, @Mixin Output output, @Parameters(paramLabel = "JOB") String id,
      @Mixin Reason reason) {
    try (LetheClient lethe = server.connect()) {
      print(lethe.reject(id, reason.text), output);
      return 0;
    }
  }

  /** Why somebody decides so. */
  static final class Reason {

    @Option(names = "--reason", paramLabel = "TEXT", defaultValue = "", description = "Recorded with the job. Default: none.")
    private String text;
  }

  @Command(name = "retry", description = "Queues a job that failed or was cancelled once more, if its images are kept.")
  int retry(@Mixin ServerOptions server, @Mixin Output output, @Parameters(paramLabel = "JOB") String id) {
    try (LetheClient lethe = server.connect()) {
      print(lethe.retry(id), output);
      return 0;
    }
  }

  @Command(name = "delete", description = "Deletes what the server knows of a job that has ended, and its files.")
  int delete(@Mixin ServerOptions server, @Mixin Output output, @Parameters(paramLabel = "JOB") String id) {
    try (LetheClient lethe = server.connect()) {
      lethe.delete(id);
      JsonObject deleted = new JsonObject();
      deleted.addProperty("id", id);
      output.one(console, deleted, () -> console.out().println("job " + id + " is deleted"), List.of(id));
      return 0;
    }
  }

  private void print(Job job, Output output) {
    output.one(console, job, () -> print(job), job.getId());
  }

  private void print(Job job) {
    PrintStream out = console.out();
    out.println("job        " + job.getId());
    out.println("state      " + state(job)
        + (job.getMessage().isEmpty() ? "" : ": " + job.getMessage()));
    if (!LetheClient.hasEnded(job) && job.hasProgress()) {
      out.printf(Locale.ROOT, "progress   %.0f %%, %s%n", 100 * job.getProgress().getFraction(),
          job.getProgress().getStage());
    }
    out.println("images     " + job.getUnlearnImages() + " to unlearn, " + job.getLearnImages() + " to keep");
    out.println("base       " + job.getBaseVersion());
    if (!job.getNewVersion().isEmpty()) {
      out.println("new        " + job.getNewVersion() + (job.getPromoted() ? ", serves" : ", a candidate"));
    }
    out.println("submitted  " + time(job.getSubmitted()));
    if (job.hasQueuePosition()) {
      out.println("waits for  " + job.getQueuePosition() + " jobs" + (job.hasSecondsUntilStart()
          ? String.format(Locale.ROOT, ", about %.0f s", job.getSecondsUntilStart()) : ""));
    }
    if (job.hasStarted()) {
      out.println("started    " + time(job.getStarted()));
    }
    if (job.hasEnded()) {
      out.println("ended      " + time(job.getEnded()));
    }
    for (JobChange change : job.getChangesList()) {
      out.println("           " + time(change.getTime()) + "  " + phase(change.getPhase()) + ", by "
          + change.getActor() + ": " + change.getCause().lines().findFirst().orElse(""));
    }
    if (job.hasReport()) {
      ReportTable.of(job.getReport()).print(out);
    }
  }

  /** How far it is; of one that has ended well, too, whether it serves or awaits an operator. */
  private static String state(Job job) {
    return job.getPhase() == JobPhase.JOB_PHASE_UNSPECIFIED ? ProgressLine.name(job.getState()) : phase(job.getPhase());
  }

  private static String phase(JobPhase phase) {
    return phase.name().replace("JOB_PHASE_", "").toLowerCase(Locale.ROOT).replace('_', ' ');
  }

  private static String time(Timestamp time) {
    return TIME.format(Instant.ofEpochSecond(time.getSeconds()).atZone(ZoneId.systemDefault()));
  }
}
