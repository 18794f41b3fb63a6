package dev.lethe.client.console;

import dev.lethe.v1.Job;
import dev.lethe.v1.JobState;
import dev.lethe.v1.Progress;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Shows a running job: on a terminal one line that is drawn anew, elsewhere a line for each stage and now and then
 * between.
 */
public final class ProgressLine {

  private static final int BAR = 24;
  private static final Duration BETWEEN_LINES = Duration.ofSeconds(10);

  private final Console console;
  private final Clock clock;
  private String stage = "";
  private Instant printed = Instant.MIN;
  private boolean drawn;

  public ProgressLine(Console console) {
    this(console, Clock.systemUTC());
  }

  ProgressLine(Console console, Clock clock) {
    this.console = console;
    this.clock = clock;
  }

  /** Shows the job as it is now. */
  public void update(Job job) {
    String text = describe(job);
    if (console.isTerminal()) {
      String fitting = text.length() < console.columns() ? text : text.substring(0, console.columns() - 1);
      console.out().print("\r" + fitting + "\033[K");
      console.out().flush();
      drawn = true;
      return;
    }
    Instant now = clock.instant();
    String current = stageOf(job);
    if (!current.equals(stage) || now.isAfter(printed.plus(BETWEEN_LINES))) {
      console.out().println(text);
      stage = current;
      printed = now;
    }
  }

  /** Ends the line, so that what is printed next starts on a new one. */
  public void end() {
    if (drawn) {
      console.out().println();
      drawn = false;
    }
  }

  private static String stageOf(Job job) {
    String named = job.getProgress().getStage();
    return job.getState() == JobState.JOB_STATE_RUNNING && !named.isEmpty() ? named : name(job.getState());
  }

  /** For example {@code unlearning   [#####...] 42 %  step 25/60  loss_d 0.31  1:05 left}. */
  private static String describe(Job job) {
    Progress progress = job.getProgress();
    int filled = (int) Math.round(BAR * Math.min(1, Math.max(0, progress.getFraction())));
    StringBuilder text = new StringBuilder(String.format(Locale.ROOT, "%-12s [%s%s] %3.0f %%", stageOf(job),
        "#".repeat(filled), ".".repeat(BAR - filled), 100 * progress.getFraction()));
    if (progress.getSteps() > 0) {
      text.append(String.format(Locale.ROOT, "  step %d/%d", progress.getStep(), progress.getSteps()));
    }
    if (progress.hasSecondsLeft()) {
      text.append("  ").append(duration(progress.getSecondsLeft())).append(" left");
    }
    String values = new TreeMap<>(progress.getValuesMap()).entrySet().stream()
        .map(value -> value.getKey() + " " + String.format(Locale.ROOT, "%.4g", value.getValue()))
        .collect(Collectors.joining("  "));
    return values.isEmpty() ? text.toString() : text.append("  ").append(values).toString();
  }

  /** {@code QUEUED} for JOB_STATE_QUEUED, in lower case. */
  public static String name(JobState state) {
    return state.name().replace("JOB_STATE_", "").toLowerCase(Locale.ROOT);
  }

  /** {@code 1:05}, or {@code 2:03:20} from an hour on. */
  public static String duration(double seconds) {
    long whole = Math.round(seconds);
    return whole < 3600
        ? String.format(Locale.ROOT, "%d:%02d", whole / 60, whole % 60)
        : String.format(Locale.ROOT, "%d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60);
  }
}
