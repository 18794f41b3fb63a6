package dev.lethe.client.console;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.v1.Job;
import dev.lethe.v1.JobState;
import dev.lethe.v1.Progress;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import org.junit.jupiter.api.Test;

class ProgressLineTest {

  private final ByteArrayOutputStream printed = new ByteArrayOutputStream();

  private Console console(int columns) {
    PrintStream out = new PrintStream(printed, true);
    return new Console(out, out, columns);
  }

  private static Job running(String stage, int step, double fraction) {
    return Job.newBuilder().setState(JobState.JOB_STATE_RUNNING)
        .setProgress(Progress.newBuilder().setStage(stage).setStep(step).setSteps(60).setFraction(fraction)
            .setSecondsLeft(65).putValues("loss_g", 0.5).putValues("loss_d", 0.25))
        .build();
  }

  private static final class HandClock extends Clock {
    private Instant now = Instant.EPOCH;

    @Override
    public Instant instant() {
      return now;
    }

    @Override
    public ZoneId getZone() {
      return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
      return this;
    }
  }

  @Test
  void aTerminalGetsOneLineThatFits() {
    ProgressLine line = new ProgressLine(console(40));
    line.update(running("unlearning", 30, 0.5));
    line.update(running("unlearning", 31, 0.52));
    line.end();
    String text = printed.toString();
    assertEquals(2, text.chars().filter(c -> c == '\r').count(), "drawn twice");
    assertEquals(text.length() - System.lineSeparator().length(), text.indexOf(System.lineSeparator()), "on one line");
    for (String drawn : text.strip().split("\r")) {
      assertTrue(drawn.replace("\033[K", "").length() < 40, drawn);
    }
  }

  @Test
  void aFileGetsALineForEachStageAndNowAndThen() {
    HandClock clock = new HandClock();
    ProgressLine line = new ProgressLine(console(0), clock);
    line.update(running("inversion", 1, 0.01));
    line.update(running("inversion", 2, 0.02));
    clock.now = clock.now.plus(Duration.ofSeconds(11));
    line.update(running("inversion", 3, 0.03));
    line.update(running("unlearning", 1, 0.5));
    line.end();
    assertEquals(3, printed.toString().lines().count());
    String last = printed.toString().lines().skip(2).findFirst().orElseThrow();
    assertEquals("unlearning   [############............]  50 %  step 1/60  1:05 left  loss_d 0.2500  loss_g 0.5000",
        last);
  }

  @Test
  void aJobThatWaitsShowsItsState() {
    ProgressLine line = new ProgressLine(console(0), new HandClock());
    line.update(Job.newBuilder().setState(JobState.JOB_STATE_QUEUED).build());
    assertTrue(printed.toString().startsWith("queued "), printed.toString());
  }

  @Test
  void durations() {
    assertEquals("0:05", ProgressLine.duration(5.2));
    assertEquals("59:59", ProgressLine.duration(3599));
    assertEquals("2:03:20", ProgressLine.duration(7400));
  }
}
