package dev.lethe.models.stylegan2.imports;

import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.checkpoint.Safetensors;
import dev.lethe.models.checkpoint.TorchStateDict;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.stylegan2.DiscriminatorConfig;
import dev.lethe.models.stylegan2.DiscriminatorConfig.Architecture;
import dev.lethe.models.stylegan2.StyleGan2Bundle;
import dev.lethe.models.stylegan2.StyleGan2Config;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/** Writes a bundle's parameters and card as one file, which {@link ModelImport} reads bit for bit. */
public final class ModelExport {

  /** The reference's low-pass filter, which its state dictionaries repeat for each layer. */
  private static final Tensor FILTER = filter();

  private ModelExport() {}

  /** Parameters under our names, and the card in the metadata. */
  public static void safetensors(Bundle bundle, Path file) throws IOException {
    Safetensors.write(file, new TreeMap<>(StyleGan2Bundle.weights(bundle)), Map.of(OwnTensors.CARD, card(bundle)));
  }

  /**
   * A dictionary with the state dictionaries G and, if there is a discriminator, D, which the reference's networks of
   * these sizes load as they are, and the card as a text.
   */
  public static void stateDict(Bundle bundle, Path file) throws IOException {
    StyleGan2Config config = StyleGan2Config.of(bundle.card());
    Map<String, Map<String, Tensor>> dictionaries = new LinkedHashMap<>();
    dictionaries.put("G", new TreeMap<>());
    if (config.discriminator() != null) {
      dictionaries.put("D", new TreeMap<>());
    }
    StyleGan2Bundle.weights(bundle).forEach((name, tensor) -> {
      // The reference's is a scalar.
      Tensor own = name.endsWith(".noise_strength") ? new Tensor(new long[0], tensor.data()) : tensor;
      dictionaries.get(name.substring(0, 1)).put(name.substring(2), own);
    });
    generatorFilters(config, dictionaries.get("G"));
    if (config.discriminator() != null) {
      discriminatorFilters(config, dictionaries.get("D"));
    }
    TorchStateDict.write(file, dictionaries, Map.of(OwnTensors.CARD, card(bundle)));
  }

  private static String card(Bundle bundle) {
    // The hashes are of the bundle's files.
    return bundle.card().withSha256(Map.of()).toJson();
  }

  private static void generatorFilters(StyleGan2Config config, Map<String, Tensor> to) {
    for (int r = 4; r <= config.resolution(); r *= 2) {
      String block = "synthesis.b" + r;
      filters(to, block, block + ".conv1");
      if (r > 4) {
        filters(to, block + ".conv0");
      }
    }
  }

  private static void discriminatorFilters(StyleGan2Config config, Map<String, Tensor> to) {
    DiscriminatorConfig discriminator = config.discriminator();
    boolean skips = discriminator.architecture() == Architecture.SKIP;
    for (int r = config.resolution(); r > 4; r /= 2) {
      String block = "b" + r;
      filters(to, block, block + ".conv0", block + ".conv1");
      if (skips || r == config.resolution()) {
        filters(to, block + ".fromrgb");
      }
      if (discriminator.architecture() == Architecture.RESNET) {
        filters(to, block + ".skip");
      }
    }
    filters(to, "b4.conv");
    if (skips) {
      filters(to, "b4.fromrgb");
    }
  }

  private static void filters(Map<String, Tensor> to, String... modules) {
    for (String module : modules) {
      to.put(module + ".resample_filter", FILTER);
    }
  }

  private static Tensor filter() {
    float[] taps = {1, 3, 3, 1};
    Tensor filter = Tensor.zeros(taps.length, taps.length);
    for (int i = 0; i < filter.data().length; i++) {
      filter.data()[i] = taps[i / taps.length] * taps[i % taps.length] / 64;
    }
    return filter;
  }
}
