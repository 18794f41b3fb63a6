package dev.lethe.trainer.evaluation;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;

/** Results on the disk, a file for each run, so that an evaluation that was stopped goes on where it was. */
record ResultStore(Path directory) {

  private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  /** The result of a run, if it was made. */
  Optional<CellResult> find(Cell cell) throws IOException {
    Path file = file(cell);
    return Files.exists(file) ? Optional.of(JSON.readValue(file.toFile(), CellResult.class)) : Optional.empty();
  }

  void write(CellResult result) throws IOException {
    Files.createDirectories(directory);
    Path unfinished = directory.resolve("unfinished.tmp");
    JSON.writeValue(unfinished.toFile(), result);
    Files.move(unfinished, file(result.cell()), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  private Path file(Cell cell) {
    return directory.resolve(cell.id() + ".json");
  }
}
