package dev.lethe.trainer.adversarial;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * What a run directory remembers about a run besides its checkpoint, in {@code run.json}.
 *
 * @param machines the machines that it ran on
 * @param date ISO 8601 date of its last step
 */
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
public record RunRecord(Set<String> machines, String date) {

  private static final String FILE = "run.json";
  private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  /** The record of a run directory; an empty one for a new run. */
  public static RunRecord read(Path directory) throws IOException {
    Path file = directory.resolve(FILE);
    return Files.exists(file) ? JSON.readValue(file.toFile(), RunRecord.class) : new RunRecord(Set.of(), null);
  }

  /** The record after steps on a machine. */
  public RunRecord with(String machine, String lastDate) {
    Set<String> all = new LinkedHashSet<>(machines);
    all.add(machine);
    return new RunRecord(all, lastDate);
  }

  public void write(Path directory) throws IOException {
    JSON.writeValue(directory.resolve(FILE).toFile(), this);
  }
}
