package dev.lethe.trainer.unlearning;

import java.util.Map;

/** Told how far a job is. */
public interface ProgressListener {

  /**
   * @param stage what is being done
   * @param step of {@code steps} of this stage
   * @param fraction of the whole job, 0 to 1; it never falls
   * @param values losses and metrics by name
   */
  void progress(String stage, int step, int steps, double fraction, Map<String, Double> values);
}
