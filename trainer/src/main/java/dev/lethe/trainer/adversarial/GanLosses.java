package dev.lethe.trainer.adversarial;

import static dev.lethe.models.graph.Ops.add;
import static dev.lethe.models.graph.Ops.mean;
import static dev.lethe.models.graph.Ops.mul;
import static dev.lethe.models.graph.Ops.neg;
import static dev.lethe.models.graph.Ops.reduceSum;
import static dev.lethe.models.graph.Ops.softplus;
import static dev.lethe.models.graph.Ops.square;
import static dev.lethe.models.graph.Ops.sum;

import dev.lethe.models.graph.Value;
import dev.lethe.trainer.autodiff.Gradients;
import java.util.List;

/** The losses of StyleGAN2 (Karras et al. 2020, section 2 and appendix B), each a scalar. Logits are [N, 1]. */
public final class GanLosses {

  private GanLosses() {}

  /** Non-saturating logistic loss of the generator: mean softplus(−D(G(z))) (Goodfellow et al. 2014, section 3). */
  public static Value generator(Value fakeLogits) {
    return mean(softplus(neg(fakeLogits)));
  }

  /** The discriminator's loss of images that it is to take for generated ones: mean softplus(D(x)). */
  static Value generated(Value logits) {
    return mean(softplus(logits));
  }

  /** Logistic loss of the discriminator: mean softplus(D(G(z))) + mean softplus(−D(x)). */
  public static Value discriminator(Value realLogits, Value fakeLogits) {
    return add(generated(fakeLogits), mean(softplus(neg(realLogits))));
  }

  /**
   * Loss of the discriminator on real images with labels that are not theirs (Reed et al. 2016, section 4.2), so that
   * it judges whether images fit their labels, not only whether they look real: mean softplus(D(x, c')) over c' ≠ c.
   *
   * @param otherLogits D(real, other)
   * @param label c, one-hot [N, classes]
   * @param other c', one-hot [N, classes]; images where it is c count as 0
   */
  public static Value mismatch(Value otherLogits, Value label, Value other) {
    Value same = reduceSum(mul(label, other), 1);
    return mean(mul(add(neg(same), 1), softplus(otherLogits)));
  }

  /**
   * R1 (Mescheder et al. 2018, eq. 9): γ/2 E ‖∇ₓ D(x)‖², the norm over all elements of an image.
   *
   * @param realLogits D(real)
   * @param real [N, C, H, W]
   */
  public static Value r1(Value realLogits, Value real, double gamma) {
    Value gradient = Gradients.of(sum(realLogits), List.of(real)).get(0);
    return mul(mean(reduceSum(square(gradient), 1, 2, 3)), gamma / 2);
  }
}
