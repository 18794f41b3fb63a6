package dev.lethe.trainer.substitution;

import dev.lethe.models.graph.Tensor;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.metrics.PixelDistance;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Of many generated pictures of the image's class the nearest to it, that is no nearer than {@value #FACTOR} times the
 * distance to its nearest other real image: so near that little has to move, and as unlike the image as images of other
 * people are.
 *
 * @param latents w of the pictures, [N, w_dim]
 * @param images the pictures S(x_u), [N, C, H, W]
 * @param distances root mean squared pixel distance of each from its image
 * @param nearestOther the same distance of each image from its nearest other real image; infinite where none is known
 */
public record NearestSubstitute(Tensor latents, Tensor images, double[] distances, double[] nearestOther) {

  /** Least distance, as a multiple of that to the nearest other real image. */
  public static final double FACTOR = 1.2;
  /** Nearer than any two images, and farther than rounding: the image itself, which a data set may hold as well. */
  private static final double SAME = 0.01;

  /**
   * Chooses for each image.
   *
   * @param images x_u, [N, C, H, W]
   * @param labels class of each; 0 for an unconditional model
   * @param others real images that stay, by which near is measured; of classes that have none, the nearest generated
   *     picture takes their place
   * @param pool of the original's pictures
   */
  public static NearestSubstitute choose(Tensor images, int[] labels, ImageDataset others, SubstitutePool pool) {
    int n = labels.length;
    int size = images.data().length / n;
    double[] nearestOther = nearest(images, labels, others);
    Tensor chosen = Tensor.zeros(images.shape());
    Tensor latents = null;
    double[] distances = new double[n];
    for (int label : Arrays.stream(labels).distinct().sorted().toArray()) {
      SubstitutePool.Candidates candidates = pool.of(label);
      Tensor w = candidates.latents();
      Tensor drawn = candidates.images();
      int wDim = (int) w.shape()[1];
      int samples = (int) w.shape()[0];
      latents = latents == null ? Tensor.zeros(n, wDim) : latents;
      int[] own = IntStream.range(0, n).filter(i -> labels[i] == label).toArray();
      double[][] distance = new double[own.length][samples];
      for (int u = 0; u < own.length; u++) {
        for (int c = 0; c < samples; c++) {
          distance[u][c] = distance(images.data(), own[u] * size, drawn.data(), c * size, size);
        }
        if (Double.isInfinite(nearestOther[own[u]])) {
          nearestOther[own[u]] = Arrays.stream(distance[u]).min().orElseThrow();
        }
      }
      for (int u = 0; u < own.length; u++) {
        int best = best(u, own, distance, nearestOther);
        distances[own[u]] = distance[u][best];
        System.arraycopy(drawn.data(), best * size, chosen.data(), own[u] * size, size);
        System.arraycopy(w.data(), best * wDim, latents.data(), own[u] * wDim, wDim);
      }
    }
    return new NearestSubstitute(latents, chosen, distances, nearestOther);
  }

  /**
   * Other pictures in place of these, at their distances.
   *
   * @param pictures [N, C, H, W]
   * @param of the images that they are substitutes of
   */
  public NearestSubstitute replacedBy(Tensor pictures, Tensor of) {
    int size = of.data().length / distances.length;
    double[] theirs = new double[distances.length];
    for (int i = 0; i < theirs.length; i++) {
      theirs[i] = distance(of.data(), i * size, pictures.data(), i * size, size);
    }
    return new NearestSubstitute(latents, pictures, theirs, nearestOther);
  }

  /** The nearest candidate that is far enough, from its image and from the others to unlearn; else the farthest. */
  private static int best(int u, int[] own, double[][] distance, double[] nearestOther) {
    int best = -1;
    int farthest = 0;
    for (int c = 0; c < distance[u].length; c++) {
      boolean far = distance[u][c] >= FACTOR * nearestOther[own[u]];
      for (int other = 0; far && other < own.length; other++) {
        far = distance[other][c] >= nearestOther[own[other]];
      }
      if (far && (best < 0 || distance[u][c] < distance[u][best])) {
        best = c;
      }
      if (distance[u][c] > distance[u][farthest]) {
        farthest = c;
      }
    }
    return best < 0 ? farthest : best;
  }

  /** Root mean squared pixel distance of each image from the nearest of the others of its class; infinite without. */
  public static double[] nearest(Tensor images, int[] labels, ImageDataset others) {
    int size = images.data().length / labels.length;
    double[] nearest = new double[labels.length];
    Arrays.fill(nearest, Double.POSITIVE_INFINITY);
    float[] other = new float[size];
    for (int i = 0; i < others.size(); i++) {
      int label = others.label(i);
      if (Arrays.stream(labels).noneMatch(own -> own == label)) {
        continue;
      }
      others.copyTo(i, other, 0);
      for (int u = 0; u < labels.length; u++) {
        if (labels[u] == label) {
          double distance = distance(images.data(), u * size, other, 0, size);
          if (distance > SAME && distance < nearest[u]) {
            nearest[u] = distance;
          }
        }
      }
    }
    return nearest;
  }

  private static double distance(float[] a, int fromA, float[] b, int fromB, int size) {
    return Math.sqrt(PixelDistance.squared(a, fromA, b, fromB, size) / size);
  }
}
