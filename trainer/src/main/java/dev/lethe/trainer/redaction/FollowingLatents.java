package dev.lethe.trainer.redaction;

import dev.lethe.models.graph.Tensor;
import java.util.Map;

/**
 * Latents that go on looking for their images while the generator changes, each by Adam of its own: the attacker within
 * the loop. A list of latents that stays as it was found does not hold, since two inversions of one image lie as far
 * apart in w as two random latents of its class.
 */
final class FollowingLatents {

  private static final double BETA1 = 0.9;
  private static final double BETA2 = 0.999;
  private static final double EPSILON = 1e-8;

  private final Tensor w;
  private final float[] first;
  private final float[] second;
  private final int[] steps;
  private final double rate;

  /**
   * @param w to start from, [N, w_dim]; kept and changed
   * @param rate Adam's learning rate
   */
  FollowingLatents(Tensor w, double rate) {
    this.w = w;
    this.first = new float[w.data().length];
    this.second = new float[w.data().length];
    this.steps = new int[(int) w.shape()[0]];
    this.rate = rate;
  }

  int size() {
    return steps.length;
  }

  /** What they are and remember, by name; not copied. */
  Map<String, Tensor> state() {
    float[] counts = new float[steps.length];
    for (int i = 0; i < counts.length; i++) {
      counts[i] = steps[i];
    }
    return Map.of("following", w, "following_first", new Tensor(w.shape(), first),
        "following_second", new Tensor(w.shape(), second), "following_steps", Tensor.of(counts, counts.length));
  }

  /** Goes on from a state that {@link #state} gave. */
  void restore(Map<String, Tensor> state) {
    copy(state.get("following"), w.data());
    copy(state.get("following_first"), first);
    copy(state.get("following_second"), second);
    float[] counts = new float[steps.length];
    copy(state.get("following_steps"), counts);
    for (int i = 0; i < counts.length; i++) {
      steps[i] = (int) counts[i];
    }
  }

  private static void copy(Tensor from, float[] to) {
    if (from.data().length != to.length) {
      throw new IllegalArgumentException("there are " + to.length
          + " numbers of latents that follow, and the state has "
          + from.data().length);
    }
    System.arraycopy(from.data(), 0, to, 0, to.length);
  }

  Tensor rows(int[] indices) {
    return w.rows(indices);
  }

  /**
   * One step of some latents.
   *
   * @param gradients of the squared error of what they draw, [indices.length, w_dim]; more rows are not looked at
   */
  void follow(int[] indices, float[] gradients) {
    int length = w.data().length / steps.length;
    for (int i = 0; i < indices.length; i++) {
      int step = ++steps[indices[i]];
      double correction1 = 1 - Math.pow(BETA1, step);
      double correction2 = 1 - Math.pow(BETA2, step);
      for (int k = 0; k < length; k++) {
        int at = indices[i] * length + k;
        float gradient = gradients[i * length + k];
        first[at] = (float) (BETA1 * first[at] + (1 - BETA1) * gradient);
        second[at] = (float) (BETA2 * second[at] + (1 - BETA2) * gradient * gradient);
        w.data()[at] -= (float) (rate * first[at] / correction1 / (Math.sqrt(second[at] / correction2) + EPSILON));
      }
    }
  }
}
