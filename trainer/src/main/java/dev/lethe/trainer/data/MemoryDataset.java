package dev.lethe.trainer.data;

import dev.lethe.models.image.Pixels;
import java.nio.file.Path;
import java.util.List;

/**
 * The data set that every format is read into. Pixels stay unsigned bytes, a quarter of the memory of floats; one array
 * an image, so that the number of images is not bounded by the length of an array.
 */
final class MemoryDataset implements ImageDataset {

  /** What the networks are built for. */
  static final int MIN_RESOLUTION = 32;
  static final int MAX_RESOLUTION = 1024;

  private static final float[] FLOATS = new float[256];

  static {
    for (int i = 0; i < FLOATS.length; i++) {
      FLOATS[i] = Pixels.toFloat((byte) i);
    }
  }

  private final int channels;
  private final int resolution;
  private final List<String> labels;
  private final byte[][] pixels;
  private final int[] classes;

  /**
   * Takes the arrays as its own.
   *
   * @param pixels [N][C * H * W], unsigned
   * @param classes [N] class indices; null for an unlabelled data set
   */
  MemoryDataset(int channels, int resolution, List<String> labels, byte[][] pixels, int[] classes) {
    this.channels = channels;
    this.resolution = resolution;
    this.labels = List.copyOf(labels);
    this.pixels = pixels;
    this.classes = classes;
  }

  /** Refuses sizes that no network is built for. */
  static void checkResolution(Path where, int resolution) throws DatasetException {
    if (resolution < MIN_RESOLUTION || resolution > MAX_RESOLUTION || Integer.bitCount(resolution) != 1) {
      throw new DatasetException(where, "images of " + resolution + "x" + resolution + " pixels; the size must be a "
          + "power of two from " + MIN_RESOLUTION + " to " + MAX_RESOLUTION);
    }
  }

  @Override
  public int size() {
    return pixels.length;
  }

  @Override
  public int channels() {
    return channels;
  }

  @Override
  public int resolution() {
    return resolution;
  }

  @Override
  public List<String> labels() {
    return labels;
  }

  @Override
  public int label(int index) {
    return classes == null ? 0 : classes[index];
  }

  @Override
  public byte[] pixels(int index) {
    return pixels[index].clone();
  }

  @Override
  public void copyTo(int index, float[] target, int offset) {
    byte[] image = pixels[index];
    for (int i = 0; i < image.length; i++) {
      target[offset + i] = FLOATS[image[i] & 0xff];
    }
  }
}
