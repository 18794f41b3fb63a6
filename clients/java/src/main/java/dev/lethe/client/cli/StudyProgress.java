package dev.lethe.client.cli;

import dev.lethe.client.console.Console;
import dev.lethe.client.console.ProgressLine;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobState;
import dev.lethe.v1.Progress;

/** Shows how far an inspection or a projection is, as that of a job is shown. */
final class StudyProgress {

  private final ProgressLine line;

  StudyProgress(Console console) {
    this.line = new ProgressLine(console);
  }

  void tell(Progress progress) {
    line.update(Job.newBuilder().setState(JobState.JOB_STATE_RUNNING).setProgress(progress).build());
  }

  void end() {
    line.end();
  }
}
