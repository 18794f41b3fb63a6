package dev.lethe.trainer.data;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * CIFAR-10's binary version: {@code data_batch_1.bin} to {@code data_batch_5.bin} and {@code test_batch.bin}, each a
 * row of records of one label byte and 3 x 32 x 32 bytes: a plane each of red, green and blue.
 */
final class Cifar10Format implements DatasetFormat {

  private static final List<String> LABELS = List.of("airplane", "automobile", "bird", "cat", "deer", "dog", "frog",
      "horse", "ship", "truck");
  private static final int CHANNELS = 3;
  private static final int RESOLUTION = 32;
  private static final int IMAGE_BYTES = CHANNELS * RESOLUTION * RESOLUTION;
  private static final int TRAIN_FILES = 5;

  @Override
  public boolean recognises(Path path) {
    return !files(path, Split.TRAIN).isEmpty() || !files(path, Split.TEST).isEmpty();
  }

  @Override
  public ImageDataset read(Path path, Split split) throws IOException {
    List<Path> files = files(path, split);
    if (files.isEmpty()) {
      throw new MissingSplitException(path, split, "there is no "
          + (split == Split.TRAIN ? "data_batch_1.bin" : "test_batch.bin"));
    }
    List<byte[]> pixels = new ArrayList<>();
    IntStream.Builder classes = IntStream.builder();
    for (Path file : files) {
      read(file, pixels, classes);
    }
    return new MemoryDataset(CHANNELS, RESOLUTION, LABELS, pixels.toArray(byte[][]::new), classes.build().toArray());
  }

  @Override
  public String description() {
    return "CIFAR-10 binary files (data_batch_1.bin)";
  }

  private static List<Path> files(Path directory, Split split) {
    List<Path> files = new ArrayList<>();
    if (split == Split.TEST) {
      files.add(directory.resolve("test_batch.bin"));
    } else {
      for (int i = 1; i <= TRAIN_FILES; i++) {
        files.add(directory.resolve("data_batch_" + i + ".bin"));
      }
    }
    files.removeIf(file -> !Files.isRegularFile(file));
    return files;
  }

  private static void read(Path file, List<byte[]> pixels, IntStream.Builder classes) throws IOException {
    long bytes = Files.size(file);
    if (bytes == 0 || bytes % (1 + IMAGE_BYTES) != 0) {
      throw new DatasetException(file, bytes + " bytes are no whole number of records of " + (1 + IMAGE_BYTES)
          + " bytes");
    }
    try (InputStream in = new BufferedInputStream(Files.newInputStream(file), 1 << 16)) {
      for (long record = 0; record < bytes / (1 + IMAGE_BYTES); record++) {
        int label = in.read();
        if (label < 0 || label >= LABELS.size()) {
          throw new DatasetException(file, "record " + record + " has label " + label + "; labels are 0 to "
              + (LABELS.size() - 1));
        }
        byte[] image = in.readNBytes(IMAGE_BYTES);
        if (image.length < IMAGE_BYTES) {
          throw new DatasetException(file, "it is cut off in record " + record);
        }
        pixels.add(image);
        classes.add(label);
      }
    }
  }
}
