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
  Optional<ExperimentResult> find(Experiment experiment) throws IOException {
    Path file = file(experiment);
    return Files.exists(file) ? Optional.of(JSON.readValue(file.toFile(), ExperimentResult.class)) : Optional.empty();
  }

  void write(ExperimentResult result) throws IOException {
    Files.createDirectories(directory);
    Path unfinished = directory.resolve("unfinished.tmp");
    JSON.writeValue(unfinished.toFile(), result);
    Files.move(unfinished, file(result.experiment()), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  private Path file(Experiment experiment) {
    return directory.resolve(experiment.id() + ".json");
  }
}
