package dev.lethe.models.stylegan2;

import ai.onnx.proto.OnnxMl.ModelProto;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.OnnxWriter;
import dev.lethe.models.graph.Shapes;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** Bundles of StyleGAN2 models: from weights to graphs on disk and back. */
public final class StyleGan2Bundle {

  private StyleGan2Bundle() {}

  /**
   * Writes a bundle.
   *
   * @param directory made if need be; must hold no bundle yet
   * @param weights every parameter of both networks by name
   * @param features a {@code features.onnx} to copy
   * @param card its hashes are computed anew
   */
  public static Bundle write(Path directory, Map<String, Tensor> weights, Path features, ModelCard card)
      throws IOException {
    if (Bundle.isBundle(directory)) {
      throw new IOException(directory + " holds a bundle already, and bundles are immutable");
    }
    Files.createDirectories(directory);
    StyleGan2Config config = StyleGan2Config.of(card);
    write(directory.resolve(Bundle.MAPPING), mapping(config), weights);
    write(directory.resolve(Bundle.SYNTHESIS), synthesis(config), weights);
    write(directory.resolve(Bundle.DISCRIMINATOR), discriminator(config), weights);
    Files.write(directory.resolve(Bundle.FEATURES), Files.readAllBytes(features));
    return Bundle.seal(directory, card);
  }

  /** Every parameter of both networks, by name. */
  public static Map<String, Tensor> weights(Bundle bundle) throws IOException {
    StyleGan2Config config = StyleGan2Config.of(bundle.card());
    Map<String, Tensor> weights = new LinkedHashMap<>();
    weights.putAll(read(bundle.mapping(), mapping(config)));
    weights.putAll(read(bundle.synthesis(), synthesis(config)));
    weights.putAll(read(bundle.discriminator(), discriminator(config)));
    return weights;
  }

  private static Graph mapping(StyleGan2Config config) {
    Graph g = new Graph("mapping");
    Value z = g.input("z", Shapes.FREE, config.zDim());
    Value c = config.conditional() ? g.input("c", Shapes.FREE, config.classes()) : null;
    Value w = Generator.mapping(g, config, z, c);
    g.output("ws", Generator.broadcast(config, Generator.truncate(g, config, w, g.input("psi", Shapes.FREE, 1))));
    return g;
  }

  private static Graph synthesis(StyleGan2Config config) {
    Graph g = new Graph("synthesis");
    Value ws = g.input("ws", Shapes.FREE, config.numWs(), config.wDim());
    g.output("image", Generator.synthesis(g, config, ws, Noise.constant()));
    return g;
  }

  private static Graph discriminator(StyleGan2Config config) {
    Graph g = new Graph("discriminator");
    Value image = g.input("image", Shapes.FREE, config.channels(), config.resolution(), config.resolution());
    Value c = config.conditional() ? g.input("c", Shapes.FREE, config.classes()) : null;
    g.output("logits", Discriminator.logits(g, config, image, c));
    return g;
  }

  private static void write(Path file, Graph graph, Map<String, Tensor> weights) throws IOException {
    try (OutputStream out = Files.newOutputStream(file)) {
      OnnxWriter.inference(graph, weights).writeTo(out);
    }
  }

  private static Map<String, Tensor> read(Path file, Graph graph) throws IOException {
    Map<String, Tensor> weights;
    try (InputStream in = Files.newInputStream(file)) {
      weights = OnnxWriter.weights(ModelProto.parseFrom(in), graph.parameters().keySet());
    }
    for (Value parameter : graph.parameters().values()) {
      Tensor tensor = weights.get(parameter.name());
      if (tensor == null || !parameter.hasShape(tensor.shape())) {
        throw new IOException(file + " is not of the architecture of its card: parameter " + parameter.name()
            + (tensor == null ? " is missing" : " has another shape"));
      }
    }
    return weights;
  }
}
