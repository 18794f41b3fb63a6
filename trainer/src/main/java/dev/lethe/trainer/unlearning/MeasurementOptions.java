package dev.lethe.trainer.unlearning;

/**
 * How closely to measure.
 *
 * @param samples images generated for Fréchet distances
 * @param classifierImages images generated to train the classifier of {@code acc} on
 * @param classifierEpochs how often that classifier sees each
 * @param recognised images generated of erased classes, and as many of those that stay, for the shares recognised
 * @param inverted most images whose inversion is tried again in the candidate
 */
public record MeasurementOptions(int samples, int classifierImages, double classifierEpochs, int recognised,
    int inverted) {

  /** What takes about as long as unlearning 64 images. */
  public static final MeasurementOptions DEFAULT = new MeasurementOptions(2000, 3000, 3, 1000, 64);
}
