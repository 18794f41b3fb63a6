package dev.lethe.trainer.substitution;

/** The mean w of the class, or of its stand-in where the class is erased; of all images for an unconditional model. */
public final class AverageSubstitute implements Substitute {

  @Override
  public float[] of(float[] w, int label, RetainedLatents kept) {
    return kept.mean(kept.standIns().of(label));
  }
}
