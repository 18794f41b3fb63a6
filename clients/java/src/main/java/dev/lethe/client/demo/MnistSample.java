package dev.lethe.client.demo;

import com.google.protobuf.ByteString;
import dev.lethe.client.image.Pictures;
import dev.lethe.v1.Image;
import dev.lethe.v1.ImageFormat;
import dev.lethe.v1.LabelledImage;
import java.awt.image.BufferedImage;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.zip.GZIPInputStream;

/**
 * Real MNIST training images from gzipped IDX files, as uploads of 32x32 pixels: MNIST's 28x28 on black, as the
 * model was trained with.
 */
final class MnistSample {

  static final String IMAGES = "train-images-idx3-ubyte.gz";
  static final String LABELS = "train-labels-idx1-ubyte.gz";

  private static final int IMAGES_MAGIC = 0x0803;
  private static final int LABELS_MAGIC = 0x0801;
  private static final int SIDE = 28;
  private static final int PADDED_SIDE = 32;

  private final List<byte[]> images;
  private final byte[] labels;

  private MnistSample(List<byte[]> images, byte[] labels) {
    this.images = images;
    this.labels = labels;
  }

  /**
   * Two disjoint sets of images.
   *
   * @param unlearn what the model shall forget
   * @param learn what it must keep
   */
  record Choice(List<LabelledImage> unlearn, List<LabelledImage> learn) {}

  /** @throws IOException if a file is missing, or is no such file */
  static MnistSample read(Path folder) throws IOException {
    List<byte[]> images = new ArrayList<>();
    try (DataInputStream in = open(folder.resolve(IMAGES), IMAGES_MAGIC)) {
      int count = in.readInt();
      int height = in.readInt();
      int width = in.readInt();
      if (height != SIDE || width != SIDE) {
        throw new IOException(folder.resolve(IMAGES) + " holds images of " + height + "x" + width + ", not 28x28");
      }
      for (int i = 0; i < count; i++) {
        images.add(exactly(in, SIDE * SIDE, folder.resolve(IMAGES)));
      }
    }
    try (DataInputStream in = open(folder.resolve(LABELS), LABELS_MAGIC)) {
      if (in.readInt() != images.size()) {
        throw new IOException(folder.resolve(LABELS) + " is not of as many images as " + IMAGES);
      }
      return new MnistSample(images, exactly(in, images.size(), folder.resolve(LABELS)));
    }
  }

  int size() {
    return images.size();
  }

  /**
   * Draws images at random, the same ones for the same seed.
   *
   * @throws IllegalArgumentException if there are not that many
   */
  Choice choose(int unlearn, int learn, long seed) {
    if (unlearn + learn > size()) {
      throw new IllegalArgumentException(
          unlearn + " images to unlearn and " + learn + " to keep are more than the sample's " + size());
    }
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < size(); i++) {
      order.add(i);
    }
    Collections.shuffle(order, new Random(seed));
    List<LabelledImage> chosen = order.subList(0, unlearn + learn).stream().map(this::upload).toList();
    return new Choice(chosen.subList(0, unlearn), chosen.subList(unlearn, unlearn + learn));
  }

  private LabelledImage upload(int index) {
    BufferedImage picture = new BufferedImage(PADDED_SIDE, PADDED_SIDE, BufferedImage.TYPE_BYTE_GRAY);
    int margin = (PADDED_SIDE - SIDE) / 2;
    picture.getRaster().setDataElements(margin, margin, SIDE, SIDE, images.get(index));
    return LabelledImage.newBuilder()
        .setImage(Image.newBuilder().setFormat(ImageFormat.IMAGE_FORMAT_PNG)
            .setData(ByteString.copyFrom(Pictures.png(picture))))
        .setLabel(Integer.toString(labels[index]))
        .build();
  }

  private static DataInputStream open(Path file, int magic) throws IOException {
    DataInputStream in = new DataInputStream(new GZIPInputStream(Files.newInputStream(file)));
    if (in.readInt() != magic) {
      in.close();
      throw new IOException(file + " is no IDX file of the expected kind");
    }
    return in;
  }

  private static byte[] exactly(DataInputStream in, int bytes, Path file) throws IOException {
    byte[] read = new byte[bytes];
    try {
      in.readFully(read);
    } catch (EOFException e) {
      throw new IOException(file + " is cut off", e);
    }
    return read;
  }
}
