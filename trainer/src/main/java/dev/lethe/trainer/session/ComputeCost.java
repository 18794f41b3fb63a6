package dev.lethe.trainer.session;

/**
 * What training steps took.
 *
 * @param seconds on the clock
 * @param multiplyAdds multiply-add pairs of matrix products and convolutions, forwards and backwards
 */
public record ComputeCost(long steps, double seconds, double multiplyAdds) {

  public static final ComputeCost NONE = new ComputeCost(0, 0, 0);

  /** Of both. */
  public ComputeCost plus(ComputeCost other) {
    return new ComputeCost(steps + other.steps, seconds + other.seconds, multiplyAdds + other.multiplyAdds);
  }

  /** With one more step. */
  ComputeCost plus(double stepSeconds, double stepMultiplyAdds) {
    return new ComputeCost(steps + 1, seconds + stepSeconds, multiplyAdds + stepMultiplyAdds);
  }
}
