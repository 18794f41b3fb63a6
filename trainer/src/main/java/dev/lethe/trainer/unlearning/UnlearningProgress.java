package dev.lethe.trainer.unlearning;

import java.util.Map;

/** Told how far unlearning is, which has up to three parts: what was memorised, the generator, the discriminator. */
public interface UnlearningProgress {

  /** Share of the whole that forgetting what was memorised takes about, where there is anything. */
  double FORGETTING = 0.4;
  /** Share of the rest that the generator takes about, of a model whose discriminator learns after it. */
  double GENERATOR = 0.75;

  /**
   * @param step of {@code steps} of the part that runs
   * @param share of all parts that is done, 0 to 1; it never falls
   * @param values losses and metrics by name
   */
  void tell(int step, int steps, double share, Map<String, Double> values);

  /** For a part that takes the whole from one share of it to another. */
  default GuardedCascade.Progress part(double from, double to) {
    return (step, steps, values) -> tell(step, steps, from + (to - from) * step / steps, values);
  }

  /** The same of what is left from a share on. */
  default UnlearningProgress from(double begin) {
    return (step, steps, share, values) -> tell(step, steps, begin + (1 - begin) * share, values);
  }
}
