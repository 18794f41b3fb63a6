package dev.lethe.trainer.worker;

import dev.lethe.trainer.audit.AuditOptions;
import dev.lethe.trainer.inversion.InversionOptions;
import dev.lethe.trainer.inversion.LatentSpace;
import dev.lethe.trainer.unlearning.MeasurementOptions;
import dev.lethe.trainer.unlearning.SearchOptions;
import java.time.Duration;

/**
 * The worker, with as little work as there can be of each part of it: for tests that need many jobs. What it makes is
 * worth nothing, and it says so.
 */
public final class QuickWorker {

  private static final InversionOptions SEARCH = new InversionOptions(LatentSpace.W, 4, 1, 2, 0.1, 0);

  private QuickWorker() {}

  /** @param arguments as the worker's */
  public static void main(String[] arguments) {
    Worker.run(arguments, new WorkerOptions(new SearchOptions(SEARCH, 2, SEARCH, 2, 4, 64),
        new AuditOptions(4, 2, 2, 2, false, 8, 0),
        new MeasurementOptions(8, 8, 1, 4, 2), Duration.ZERO));
  }
}
