package dev.lethe.trainer.evaluation;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * What the audit of a person gave.
 *
 * @param reasons why the person is not forgotten; empty where it is
 */
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
record PersonResult(Method method, long seed, boolean forgotten, Map<String, Double> figures, List<String> reasons,
    List<String> findings, List<String> notes, String date, String machine) {

  /** What unlearned. */
  enum Method {
    PERSON("the person's neighbourhood"), PHOTOS("the photos sent alone"), NOTHING("nothing (control)"),
    DISCRIMINATOR_ONLY("discriminator only (control)");

    final String title;

    Method(String title) {
      this.title = title;
    }
  }

  private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  static Optional<PersonResult> find(Path directory, Method method, long seed) throws IOException {
    Path file = file(directory, method, seed);
    return Files.exists(file) ? Optional.of(JSON.readValue(file.toFile(), PersonResult.class)) : Optional.empty();
  }

  void write(Path directory) throws IOException {
    Files.createDirectories(directory);
    Path unfinished = directory.resolve("unfinished.tmp");
    JSON.writeValue(unfinished.toFile(), this);
    Files.move(unfinished, file(directory, method, seed), StandardCopyOption.ATOMIC_MOVE,
        StandardCopyOption.REPLACE_EXISTING);
  }

  private static Path file(Path directory, Method method, long seed) {
    return directory.resolve(method.name().toLowerCase(Locale.ROOT) + "-s" + seed + ".json");
  }
}
