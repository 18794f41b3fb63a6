package dev.lethe.trainer.session;

/**
 * Adam with decoupled weight decay, the update of {@code torch.optim.AdamW} (Loshchilov and Hutter, arXiv 1711.05101);
 * with {@code weightDecay} 0 it is {@code torch.optim.Adam}. For step t, gradient g, learning rate η:
 *
 * <pre>
 * p ← p − η·weightDecay·p
 * m ← beta1·m + (1 − beta1)·g
 * v ← beta2·v + (1 − beta2)·g²
 * p ← p − η · (m / (1 − beta1ᵗ)) / (√(v / (1 − beta2ᵗ)) + epsilon)
 * </pre>
 *
 * <p>One set of options and one learning rate serve all parameters of a session; ONNX Runtime has no groups. With
 * {@code beta1} 0 a parameter whose gradient is all zeros in a step does not move in it, while its v still decays.
 *
 * @param learningRate η to begin with, at least 0; a session can change it
 * @param beta1 decay of the mean of gradients, in [0, 1)
 * @param beta2 decay of the mean of their squares, in [0, 1)
 * @param epsilon above 0
 * @param weightDecay at least 0
 */
public record AdamOptions(float learningRate, float beta1, float beta2, float epsilon, float weightDecay) {

  public AdamOptions {
    check("learningRate", learningRate, learningRate >= 0 && Float.isFinite(learningRate), "at least 0");
    check("beta1", beta1, beta1 >= 0 && beta1 < 1, "in [0, 1)");
    check("beta2", beta2, beta2 >= 0 && beta2 < 1, "in [0, 1)");
    check("epsilon", epsilon, epsilon > 0 && Float.isFinite(epsilon), "above 0");
    check("weightDecay", weightDecay, weightDecay >= 0 && Float.isFinite(weightDecay), "at least 0");
  }

  private static void check(String name, float value, boolean valid, String range) {
    if (!valid) {
      throw new IllegalArgumentException("Adam's " + name + " is " + value + ", it must be " + range + ".");
    }
  }
}
