package dev.lethe.trainer.substitution;

/**
 * The latent truncated towards its mean, w_avg + ψ (w_u − w_avg) (Karras et al. 2019, appendix B); where the class is
 * unlearned as a whole, as far from the mean of the nearest class that stays, in the same direction.
 *
 * @param psi 0 for the average substitute, 1 for the image itself
 */
public record TruncationSubstitute(double psi) implements Substitute {

  public static final double DEFAULT_PSI = 0.5;

  public TruncationSubstitute {
    if (!(psi >= 0 && psi < 1)) {
      throw new IllegalArgumentException("psi is " + psi + "; it must be from 0 to below 1");
    }
  }

  @Override
  public float[] of(float[] w, int label, RetainedLatents kept) {
    float[] from = kept.mean(label);
    float[] to = kept.mean(kept.standIns().of(label));
    float[] truncated = new float[w.length];
    for (int i = 0; i < w.length; i++) {
      truncated[i] = (float) (to[i] + psi * (w[i] - from[i]));
    }
    return truncated;
  }
}
