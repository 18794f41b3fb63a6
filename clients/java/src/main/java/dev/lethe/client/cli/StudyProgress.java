package dev.lethe.client.cli;

import dev.lethe.client.console.Console;
import dev.lethe.client.console.ProgressLine;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobState;
import dev.lethe.v1.Progress;
import java.util.Optional;

/** Shows how far an inspection or a projection is, as that of a job is shown. */
final class StudyProgress {

  private final Optional<ProgressLine> line;

  /** @param isShown whether somebody reads it: it would be in the way of what scripts read */
  StudyProgress(Console console, boolean isShown) {
    this.line = isShown ? Optional.of(new ProgressLine(console)) : Optional.empty();
  }

  void tell(Progress progress) {
    line.ifPresent(shown -> shown.update(
        Job.newBuilder().setState(JobState.JOB_STATE_RUNNING).setProgress(progress).build()));
  }

  void end() {
    line.ifPresent(ProgressLine::end);
  }
}
