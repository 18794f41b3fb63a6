package dev.lethe.trainer.data;

import dev.lethe.models.image.ImageDecoder;
import dev.lethe.models.image.ImageSize;
import dev.lethe.models.image.InvalidImageException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Decodes image files into the pixels of one data set. The first image sets the resolution. The data set has one
 * channel as long as every image is grey, also where grey is stored as colour, and three from the first coloured image
 * on.
 */
final class PixelCollector {

  private final List<byte[]> pixels = new ArrayList<>();
  private int resolution;
  private boolean grey = true;

  /**
   * Adds all images of a folder.
   *
   * @param folder for messages
   */
  void addAll(Path folder, List<Path> images) throws IOException {
    if (images.isEmpty()) {
      throw new DatasetException(folder, "no PNG or JPEG images in it");
    }
    for (Path image : images) {
      try {
        add(image);
      } catch (InvalidImageException e) {
        throw new DatasetException(image, e.getMessage(), e);
      }
    }
  }

  /**
   * The images so far.
   *
   * @param classes [N]; null for an unlabelled data set
   */
  ImageDataset dataset(List<String> labels, int[] classes) {
    return new MemoryDataset(grey ? 1 : 3, resolution, labels, pixels.toArray(byte[][]::new), classes);
  }

  private void add(Path file) throws IOException {
    int largest = pixels.isEmpty() ? MemoryDataset.MAX_RESOLUTION : resolution;
    byte[] bytes;
    try (InputStream in = Files.newInputStream(file)) {
      // One byte more than is allowed, so that the decoder sees and says that there are too many.
      bytes = in.readNBytes((int) ImageDecoder.maxBytes(largest) + 1);
    }
    ImageSize size = ImageDecoder.size(bytes, largest);
    if (pixels.isEmpty()) {
      if (size.width() != size.height()) {
        throw new DatasetException(file, "the image is " + size.width() + "x" + size.height()
            + " pixels; images must be square");
      }
      MemoryDataset.checkResolution(file, size.width());
      resolution = size.width();
    } else if (size.width() != resolution || size.height() != resolution) {
      // Before the decoder, whose message speaks of requests.
      throw new DatasetException(file, "the image is " + size.width() + "x" + size.height()
          + " pixels; it must be exactly "
          + resolution + "x" + resolution);
    }
    byte[] image = ImageDecoder.decodeBytes(bytes, 3, resolution);
    if (grey && !isGrey(image)) {
      grey = false;
      pixels.replaceAll(PixelCollector::repeated);
    }
    pixels.add(grey ? Arrays.copyOf(image, image.length / 3) : image);
  }

  private static boolean isGrey(byte[] rgb) {
    int plane = rgb.length / 3;
    return Arrays.equals(rgb, 0, plane, rgb, plane, 2 * plane)
        && Arrays.equals(rgb, 0, plane, rgb, 2 * plane, 3 * plane);
  }

  private static byte[] repeated(byte[] plane) {
    byte[] rgb = new byte[3 * plane.length];
    for (int c = 0; c < 3; c++) {
      System.arraycopy(plane, 0, rgb, c * plane.length, plane.length);
    }
    return rgb;
  }
}
