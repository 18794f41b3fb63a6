package dev.lethe.trainer.data;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/**
 * IDX files, the format of MNIST: a magic number (0x0803 for bytes in three dimensions, 0x0801 in one), the dimensions,
 * all big-endian 32-bit, then the bytes. Images are padded with black to the next power of two, 28x28 to 32x32. Class k
 * is labelled {@code "k"}; without a labels file the data set is unlabelled.
 */
final class IdxFormat implements DatasetFormat {

  private static final int IMAGES_MAGIC = 0x0803;
  private static final int LABELS_MAGIC = 0x0801;
  private static final int BUFFER = 1 << 16;

  /** Reads what comes after the magic number and the number of items. */
  private interface Body<T> {
    T read(DataInputStream in, long count) throws IOException;
  }

  private record Images(int resolution, byte[][] pixels) {}

  @Override
  public boolean recognises(Path path) throws IOException {
    return find(path, Split.TRAIN, "images").isPresent() || find(path, Split.TEST, "images").isPresent();
  }

  @Override
  public ImageDataset read(Path path, Split split) throws IOException {
    Path imagesFile = find(path, split, "images").orElseThrow(() -> new MissingSplitException(path,
        split, "there is no " + name(split, "images", '-') + " or " + name(split, "images", '-') + ".gz"));
    Images images = read(imagesFile, IMAGES_MAGIC, (in, count) -> images(imagesFile, in, count));
    Optional<Path> labelsFile = find(path, split, "labels");
    if (labelsFile.isEmpty()) {
      return new MemoryDataset(1, images.resolution(), List.of(), images.pixels(), null);
    }
    int[] classes = readLabels(labelsFile.get());
    if (classes.length != images.pixels().length) {
      throw new DatasetException(labelsFile.get(), classes.length + " labels for " + images.pixels().length
          + " images");
    }
    // A small split may lack the last classes, so both splits have a say in how many there are.
    int last = IntStream.of(classes).max().orElseThrow();
    Optional<Path> otherLabels = find(path, split == Split.TRAIN ? Split.TEST : Split.TRAIN, "labels");
    if (otherLabels.isPresent()) {
      last = Math.max(last, IntStream.of(readLabels(otherLabels.get())).max().orElseThrow());
    }
    List<String> labels = IntStream.rangeClosed(0, last).mapToObj(Integer::toString).toList();
    return new MemoryDataset(1, images.resolution(), labels, images.pixels(), classes);
  }

  @Override
  public String description() {
    return "IDX files (train-images-idx3-ubyte, with or without .gz)";
  }

  private static Optional<Path> find(Path directory, Split split, String kind) {
    for (char separator : new char[] {'-', '.'}) {
      for (String suffix : new String[] {"", ".gz"}) {
        Path file = directory.resolve(name(split, kind, separator) + suffix);
        if (Files.isRegularFile(file)) {
          return Optional.of(file);
        }
      }
    }
    return Optional.empty();
  }

  /** {@code train-images-idx3-ubyte}; some copies of the files have a dot before {@code idx3}. */
  private static String name(Split split, String kind, char separator) {
    return (split == Split.TRAIN ? "train" : "t10k") + "-" + kind + separator
        + (kind.equals("images") ? "idx3" : "idx1") + "-ubyte";
  }

  private static int[] readLabels(Path file) throws IOException {
    return read(file, LABELS_MAGIC, (in, count) -> {
      IntStream.Builder classes = IntStream.builder();
      for (long i = 0; i < count; i++) {
        int label = in.read();
        if (label < 0) {
          throw cutOff(file, "label", i, count);
        }
        classes.add(label);
      }
      return classes.build().toArray();
    });
  }

  /** Grows with what the file holds, never with what its header claims. */
  private static Images images(Path file, DataInputStream in, long count) throws IOException {
    int height = in.readInt();
    int width = in.readInt();
    if (height != width || height < 1 || height > MemoryDataset.MAX_RESOLUTION) {
      throw new DatasetException(file, String.format("images of %sx%s pixels; they must be square, up to %dx%d",
          Integer.toUnsignedString(width), Integer.toUnsignedString(height), MemoryDataset.MAX_RESOLUTION,
          MemoryDataset.MAX_RESOLUTION));
    }
    int resolution = MemoryDataset.MIN_RESOLUTION;
    while (resolution < height) {
      resolution *= 2;
    }
    int margin = (resolution - height) / 2;
    List<byte[]> pixels = new ArrayList<>();
    for (long i = 0; i < count; i++) {
      byte[] padded = new byte[resolution * resolution];
      for (int y = 0; y < height; y++) {
        int offset = (y + margin) * resolution + margin;
        if (in.readNBytes(padded, offset, width) < width) {
          throw cutOff(file, "image", i, count);
        }
      }
      pixels.add(padded);
    }
    return new Images(resolution, pixels.toArray(byte[][]::new));
  }

  private static <T> T read(Path file, int expectedMagic, Body<T> body) throws IOException {
    try (InputStream raw = Files.newInputStream(file);
        DataInputStream in = new DataInputStream(new BufferedInputStream(inflated(file, raw), BUFFER))) {
      int magic = in.readInt();
      if (magic != expectedMagic) {
        throw new DatasetException(file, String.format("no IDX file of %s: its magic number is 0x%08x, not 0x%08x",
            expectedMagic == IMAGES_MAGIC ? "images" : "labels", magic, expectedMagic));
      }
      long count = Integer.toUnsignedLong(in.readInt());
      if (count == 0) {
        throw new DatasetException(file, "it is empty");
      }
      T content = body.read(in, count);
      if (in.read() >= 0) {
        throw new DatasetException(file, "it goes on after the " + count + " items that its header states");
      }
      return content;
    } catch (EOFException e) {
      throw new DatasetException(file, "it is cut off", e);
    } catch (ZipException e) {
      throw new DatasetException(file, "it is damaged: " + e.getMessage(), e);
    }
  }

  private static InputStream inflated(Path file, InputStream raw) throws IOException {
    return file.toString().endsWith(".gz") ? new GZIPInputStream(raw, BUFFER) : raw;
  }

  private static DatasetException cutOff(Path file, String item, long at, long count) {
    return new DatasetException(file, "it is cut off in " + item + " " + at + " of the " + count
        + " that its header states");
  }
}
