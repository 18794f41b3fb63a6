package dev.lethe.server;

import ai.onnx.proto.OnnxMl.ModelProto;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.bundle.ModelCard.WStatistics;
import dev.lethe.models.features.FeatureNetwork;
import dev.lethe.models.graph.OnnxWriter;
import dev.lethe.models.stylegan2.StyleGan2Bundle;
import dev.lethe.models.stylegan2.StyleGan2Config;
import dev.lethe.models.stylegan2.Weights;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Bundles of random weights, small enough to load in a moment; wide enough to be computed in blocks of channels. */
public final class TinyBundles {

  public static final int Z_DIM = 16;
  public static final int CLASSES = 10;
  public static final StyleGan2Config CONDITIONAL = new StyleGan2Config(32, 1, CLASSES, Z_DIM, 16, 2, 512, 16);
  private static final StyleGan2Config SMALLEST = new StyleGan2Config(32, 1, 3, 8, 8, 1, 128, 4);
  public static final StyleGan2Config UNCONDITIONAL = new StyleGan2Config(32, 3, 0, Z_DIM, 16, 2, 512, 16);

  /** With as many channels as make it many times slower. */
  private static final StyleGan2Config SLOW = new StyleGan2Config(32, 1, CLASSES, Z_DIM, 16, 2, 8192, 256);

  private TinyBundles() {}

  /**
   * Writes a version of model {@code tiny}, digits by name, into {@code root/tiny/VERSION}; the seed makes it differ.
   */
  public static Bundle conditional(Path root, String version, long seed, String... unlearned) throws IOException {
    Map<String, String> erased = Arrays.stream(unlearned).collect(Collectors.toMap(label -> label, label -> version));
    ModelCard card = card("tiny", version, null, CONDITIONAL, erased);
    return StyleGan2Bundle.write(root.resolve("tiny").resolve(version), card,
        Weights.initialize(CONDITIONAL, seed), features(CONDITIONAL, CLASSES));
  }

  /** Writes a version of a model {@code tiny} that is as small as can be: whole jobs of it take seconds. */
  public static Bundle smallest(Path root, String version) throws IOException {
    return StyleGan2Bundle.write(root.resolve("tiny").resolve(version), card("tiny", version, null, SMALLEST, Map.of()),
        Weights.initialize(SMALLEST, 7), features(SMALLEST, SMALLEST.classes()));
  }

  /** Writes a version that is many times slower than {@link #conditional}, and made from another one. */
  public static Bundle slow(Path directory, String version, String parent) throws IOException {
    return StyleGan2Bundle.write(directory, card("tiny", version, parent, SLOW, Map.of()), Weights.initialize(SLOW, 3),
        features(SLOW, CLASSES));
  }

  /** Writes a version of a model without classes. */
  public static Bundle unconditional(Path root, String name, String version) throws IOException {
    ModelCard card = card(name, version, null, UNCONDITIONAL, Map.of());
    return StyleGan2Bundle.write(root.resolve(name).resolve(version), card, Weights.initialize(UNCONDITIONAL, 1),
        features(UNCONDITIONAL, CLASSES));
  }

  private static ModelProto features(StyleGan2Config config, int classes) {
    FeatureNetwork network = new FeatureNetwork(config.resolution(), config.channels(), classes);
    return OnnxWriter.inference(network.graph(), network.initialize(1));
  }

  public static ModelCard card(String name, String version, String parent, StyleGan2Config config,
      Map<String, String> unlearned) {
    List<String> labels = IntStream.range(0, config.classes()).mapToObj(i -> NAMES.get(i)).toList();
    return new ModelCard(ModelCard.FORMAT_VERSION, name, version, parent, ModelCard.STYLEGAN2, config.network(),
        labels, unlearned, new WStatistics(new float[config.wDim()], new float[config.classes()][config.wDim()]),
        null, null, Map.of());
  }

  private static final List<String> NAMES =
      List.of("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine");
}
