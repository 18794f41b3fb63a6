package dev.lethe.models.stylegan2.imports;

import dev.lethe.models.golden.Golden;
import dev.lethe.models.graph.Tensor;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Checkpoints in their own formats and what they must draw; the README beside them says what each has. */
public final class GoldenImports {

  public static final List<String> FILES = List.of("ada-auto-64-gray.pkl", "ada-cifar-cond-32-rgb.pkl",
      "ada-g-only-32-rgb.pkl", "ada-lr-32-rgb.pkl", "ada-skip-cond-32-gray.pkl", "rosinality-32.pt",
      "rosinality-g-ema-32.pt", "tf-stylegan2-32-rgb.pkl");

  private GoldenImports() {}

  /** A copy of a file in a directory. */
  public static Path copy(String file, Path directory) throws IOException {
    String resource = "/golden/import/" + file;
    try (InputStream in = GoldenImports.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new FileNotFoundException("no resource " + resource);
      }
      Path copy = directory.resolve(file);
      Files.write(copy, in.readAllBytes());
      return copy;
    }
  }

  /** What a file must draw. */
  public static Golden expected(String file) {
    return Golden.load("import/" + file.substring(0, file.lastIndexOf('.')) + ".expected");
  }

  public static Tensor tensor(Golden golden, String name) {
    return new Tensor(golden.shape(name), golden.values(name));
  }
}
