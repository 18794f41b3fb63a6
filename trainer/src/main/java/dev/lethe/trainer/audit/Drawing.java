package dev.lethe.trainer.audit;

import dev.lethe.models.graph.Tensor;

/**
 * What two generators draw at the same latents, against the images that these latents were found for and the pictures
 * that are to take their place. All distances are of pixels, ‖a − b‖² over an image.
 *
 * @param nearer whether the second generator's picture is nearer to the substitute than to the image, for each image
 * @param way the part of the way from image to substitute that the second picture has gone beyond the first,
 *     ⟨b − a, s − x⟩ / ‖s − x‖²; 0 where nothing moved, 1 for all of the way
 * @param distances root mean squared pixel distance of the second picture from the image
 * @param moved ‖b − a‖ / ‖s − x‖: how far it has moved, in whatever direction
 */
record Drawing(boolean[] nearer, double[] way, double[] distances, double[] moved) {

  /**
   * @param images x, [N, C, H, W]
   * @param substitutes s, [N, C, H, W]
   * @param first a, what the one generator draws, [N, C, H, W]
   * @param second b, what the other draws
   */
  static Drawing of(Tensor images, Tensor substitutes, Tensor first, Tensor second) {
    int n = (int) images.shape()[0];
    int size = images.data().length / n;
    boolean[] nearer = new boolean[n];
    double[] way = new double[n];
    double[] distances = new double[n];
    double[] moved = new double[n];
    for (int i = 0; i < n; i++) {
      double toSubstitute = 0;
      double toImage = 0;
      double along = 0;
      double whole = 0;
      double change = 0;
      for (int k = i * size; k < (i + 1) * size; k++) {
        double x = images.data()[k];
        double s = substitutes.data()[k];
        double a = first.data()[k];
        double b = second.data()[k];
        toSubstitute += (b - s) * (b - s);
        toImage += (b - x) * (b - x);
        along += (b - a) * (s - x);
        whole += (s - x) * (s - x);
        change += (b - a) * (b - a);
      }
      nearer[i] = toSubstitute < toImage;
      distances[i] = Math.sqrt(toImage / size);
      way[i] = whole > 0 ? along / whole : 0;
      moved[i] = whole > 0 ? Math.sqrt(change / whole) : 0;
    }
    return new Drawing(nearer, way, distances, moved);
  }

  /** Whether each picture is farther from its image than so much. */
  boolean[] farther(double[] than) {
    boolean[] farther = new boolean[distances.length];
    for (int i = 0; i < farther.length; i++) {
      farther[i] = distances[i] >= than[i];
    }
    return farther;
  }
}
