package dev.lethe.models.stylegan2.imports;

import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.golden.Golden;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.stylegan2.StyleGan2Bundle;
import dev.lethe.models.stylegan2.StyleGan2Config;
import dev.lethe.models.stylegan2.Weights;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

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

  /** A copy of a file in a directory; of a name that begins with {@code own} what our own export writes. */
  static Path file(String name, Path directory) throws IOException {
    if (!name.startsWith("own")) {
      return copy(name, directory);
    }
    StyleGan2Config config = new StyleGan2Config(32, 1, 2, 4, 4, 1, 32, 2);
    ModelCard card = new ModelCard(ModelCard.FORMAT_VERSION, "own", "v1", null, ModelCard.STYLEGAN2, config.network(),
        List.of("a", "b"), Map.of(), null, null, null, Map.of());
    Bundle bundle = StyleGan2Bundle.write(directory.resolve("own"), card, Weights.initialize(config, 1));
    Path file = directory.resolve(name);
    if (name.endsWith(".pt")) {
      ModelExport.stateDict(bundle, file);
    } else {
      ModelExport.safetensors(bundle, file);
    }
    return file;
  }

  /** What a file must draw. */
  public static Golden expected(String file) {
    return Golden.load("import/" + file.substring(0, file.lastIndexOf('.')) + ".expected");
  }

  public static Tensor tensor(Golden golden, String name) {
    return new Tensor(golden.shape(name), golden.values(name));
  }
}
