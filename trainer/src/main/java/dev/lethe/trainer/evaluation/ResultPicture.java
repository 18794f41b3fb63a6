package dev.lethe.trainer.evaluation;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.image.ImageGrid;
import dev.lethe.trainer.audit.ItemFindings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** What an audit saw, as a picture: a column for each image. */
final class ResultPicture {

  private static final int COLUMNS = 16;

  private ResultPicture() {}

  static void write(Path file, ItemFindings.Pictures pictures) throws IOException {
    List<Tensor> rows = List.of(pictures.images(), pictures.original(), pictures.candidate(), pictures.again(),
        pictures.substitutes());
    long[] shape = pictures.images().shape();
    int columns = (int) Math.min(COLUMNS, shape[0]);
    ImageGrid grid = new ImageGrid(rows.size(), columns, (int) shape[1], (int) shape[2], 2, 2);
    int size = (int) (shape[1] * shape[2] * shape[3]);
    for (int row = 0; row < rows.size(); row++) {
      for (int i = 0; i < columns; i++) {
        grid.set(row, i, Arrays.copyOfRange(rows.get(row).data(), i * size, (i + 1) * size));
      }
    }
    Files.write(file, grid.png());
  }
}
