package dev.lethe.trainer.session;

/**
 * What training steps took.
 *
 * @param seconds on the clock
 * @param multiplyAdds multiply-add pairs of matrix products and convolutions, forwards and backwards
 */
public record Effort(long steps, double seconds, double multiplyAdds) {

  public static final Effort NONE = new Effort(0, 0, 0);

  /** With one more step. */
  Effort plus(double stepSeconds, double stepMultiplyAdds) {
    return new Effort(steps + 1, seconds + stepSeconds, multiplyAdds + stepMultiplyAdds);
  }
}
