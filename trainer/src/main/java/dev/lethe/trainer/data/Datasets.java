package dev.lethe.trainer.data;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.image.Pixels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** Opens data sets. */
public final class Datasets {

  private static final List<DatasetFormat> FORMATS =
      List.of(new IdxFormat(), new Cifar10Format(), new ImageFolderFormat());

  private Datasets() {}

  /**
   * Images in memory, rounded to unsigned bytes.
   *
   * @param labels class names; empty for unlabelled images
   * @param images [N, C, H, W] in [-1, 1]
   * @param classes class index of each image
   */
  public static ImageDataset of(List<String> labels, Tensor images, int[] classes) {
    int n = classes.length;
    int size = n == 0 ? 0 : images.data().length / n;
    byte[][] pixels = new byte[n][];
    for (int i = 0; i < n; i++) {
      pixels[i] = Pixels.toBytes(Arrays.copyOfRange(images.data(), i * size, (i + 1) * size));
    }
    return new MemoryDataset((int) images.shape()[1], (int) images.shape()[2], labels, pixels, classes.clone());
  }

  /**
   * Reads one split of a data set into memory, in whichever of these formats it is:
   *
   * <ul>
   *   <li>a directory of IDX files as MNIST has them ({@code train-images-idx3-ubyte}, {@code train-labels-idx1-ubyte},
   *       {@code t10k-...}), each plain or with {@code .gz}; grey images are padded with black to a power of two
   *   <li>a directory of CIFAR-10's binary files ({@code data_batch_1.bin} ..., {@code test_batch.bin})
   *   <li>a directory or a zip of PNG and JPEG images, all of one size: a folder for each class, or all in one folder
   *       and unlabelled; folders {@code train} and {@code test} above those when it has splits
   * </ul>
   *
   * @throws DatasetException if the path holds no such data set or split, or a damaged one
   */
  public static ImageDataset open(Path path, Split split) throws IOException {
    if (!Files.exists(path)) {
      throw new DatasetException(path, "there is no such file or directory");
    }
    for (DatasetFormat format : FORMATS) {
      if (format.recognises(path)) {
        return format.read(path, split);
      }
    }
    throw new DatasetException(path, FORMATS.stream().map(DatasetFormat::description)
        .collect(Collectors.joining(", nor ", "no data set found: neither ", "")));
  }

  /**
   * Reads a split that a data set may lack.
   *
   * @throws DatasetException if the path holds no data set, or a damaged one
   */
  public static Optional<ImageDataset> find(Path path, Split split) throws IOException {
    try {
      return Optional.of(open(path, split));
    } catch (MissingSplitException e) {
      return Optional.empty();
    }
  }
}
