package dev.lethe.trainer.data;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;

/** Opens data sets. */
public final class Datasets {

  private static final List<DatasetFormat> FORMATS =
      List.of(new IdxFormat(), new Cifar10Format(), new ImageFolderFormat());

  private Datasets() {}

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
}
