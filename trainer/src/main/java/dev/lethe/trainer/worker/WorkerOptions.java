package dev.lethe.trainer.worker;

import dev.lethe.trainer.audit.AuditOptions;
import dev.lethe.trainer.unlearning.MeasurementOptions;
import dev.lethe.trainer.unlearning.SearchOptions;
import java.time.Duration;

/**
 * How hard a worker works at what a request leaves to it.
 *
 * @param search for the latents that a redaction goes by
 * @param audit of the candidate
 * @param measuring of original and candidate
 * @param checkpoints how long a run goes on before it is kept once more
 */
record WorkerOptions(SearchOptions search, AuditOptions audit, MeasurementOptions measuring, Duration checkpoints) {

  /** What servers' jobs get. */
  static final WorkerOptions USUAL = new WorkerOptions(SearchOptions.DEFAULT, AuditOptions.QUICK,
      MeasurementOptions.DEFAULT,
      Duration.ofSeconds(30));
}
