package dev.lethe.trainer.substitution;

/** The mean w of the class, or of the nearest class that stays; of all images for an unconditional model. */
public final class AverageSubstitute implements Substitute {

  @Override
  public float[] of(float[] w, int label, Kept kept) {
    return kept.mean(kept.standIn(w, label));
  }
}
