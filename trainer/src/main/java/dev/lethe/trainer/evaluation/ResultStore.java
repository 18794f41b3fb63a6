package dev.lethe.trainer.evaluation;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.lethe.models.files.WholeFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Results on the disk, a file for each run, so that an evaluation that was stopped goes on where it was.
 *
 * @param <R> results
 */
record ResultStore<R>(Path directory, Class<R> type) {

  private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  /** The result of a run, if it was made. */
  Optional<R> find(String run) throws IOException {
    Path file = file(run);
    return Files.exists(file) ? Optional.of(JSON.readValue(file.toFile(), type)) : Optional.empty();
  }

  void write(String run, R result) throws IOException {
    Files.createDirectories(directory);
    WholeFile.write(file(run), JSON.writeValueAsBytes(result));
  }

  private Path file(String run) {
    return directory.resolve(run + ".json");
  }
}
