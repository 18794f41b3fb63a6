package dev.lethe.models.stylegan2.imports;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnx.proto.OnnxMl.ModelProto;
import dev.lethe.models.architecture.ProcessorGraphs;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.golden.Golden;
import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.OnnxWriter;
import dev.lethe.models.graph.Shapes;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import dev.lethe.models.runtime.Compute;
import dev.lethe.models.runtime.InferenceSession;
import dev.lethe.models.stylegan2.GeneratorNetwork;
import dev.lethe.models.stylegan2.GoldenNetworks;
import dev.lethe.models.stylegan2.Noise;
import dev.lethe.models.stylegan2.StyleGan2Bundle;
import dev.lethe.models.stylegan2.StyleGan2Config;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Files of every source against the numbers of the implementation that wrote them. */
class GoldenImportTest {

  private static final double TOLERANCE = 1e-4;

  @TempDir
  private Path directory;

  static Stream<String> files() {
    return GoldenImports.FILES.stream();
  }

  @ParameterizedTest
  @MethodSource("files")
  void drawsWhatItsSourceDraws(String file) throws IOException {
    Golden golden = GoldenImports.expected(file);
    ImportedModel model = ModelImport.read(GoldenImports.copy(file, directory), (values, all) -> {});
    StyleGan2Config config = model.config();
    assertEquals(golden.intMetadata("resolution"), config.resolution());
    assertEquals(golden.intMetadata("img_channels"), config.channels());
    assertEquals(golden.intMetadata("c_dim"), config.classes());
    assertEquals(golden.intMetadata("mapping_layers"), config.mappingLayers());
    assertEquals(!golden.names().contains("out.img_psi0.6"), model.averageMissing());
    Bundle bundle = Bundle.open(write(model).directory());
    bundle.verify();
    assertEquals(golden.names().contains("out.d_fake"), bundle.card().has(Bundle.DISCRIMINATOR));
    assertEquals(config, StyleGan2Config.of(bundle.card()));

    Map<String, Tensor> label = golden.names().contains("in.c") ? Map.of("c", tensor(golden, "in.c")) : Map.of();
    Map<String, Tensor> z = Map.of("z", tensor(golden, "in.z"));
    check(golden, "out.ws", run(bundle.mapping(), "ws", z, label, psi(golden, 1)));
    check(golden, "out.img", run(bundle.synthesis(), "image", Map.of("ws", tensor(golden, "out.ws"))));
    Tensor truncated = run(bundle.mapping(), "ws", z, label, psi(golden, 0.6f));
    check(golden, "out.ws_psi0.6", truncated);
    check(golden, "out.img_psi0.6", run(bundle.synthesis(), "image", Map.of("ws", truncated)));
    check(golden, "out.img_noise_none", withoutNoise(config, model.weights(), tensor(golden, "out.ws")));
    if (golden.names().contains("out.d_fake")) {
      check(golden, "out.d_fake",
          run(bundle.discriminator(), "logits", label, Map.of("image", tensor(golden, "out.img"))));
      check(golden, "out.d_real",
          run(bundle.discriminator(), "logits", label, Map.of("image", tensor(golden, "in.real"))));
    }
    Optional<ProcessorGraphs> graphs = StyleGan2Bundle.forThisProcessor(bundle);
    if (graphs.isPresent()) {
      checkProcessorGraphs(golden, graphs.get(), z, label);
    }
  }

  private void checkProcessorGraphs(Golden golden, ProcessorGraphs graphs, Map<String, Tensor> z,
      Map<String, Tensor> label) {
    Map<String, Tensor> inputs = new HashMap<>(z);
    inputs.putAll(label);
    inputs.putAll(psi(golden, 1));
    try (InferenceSession mapping = InferenceSession.open(graphs.mapping(), Compute.cpu(1));
        InferenceSession synthesis = InferenceSession.openBlocked(graphs.synthesis(), 1)) {
      Tensor ws = mapping.run(inputs).get("ws");
      check(golden, "out.ws", ws);
      check(golden, "out.img", synthesis.run(Map.of("ws", ws)).get("image"));
    }
  }

  private Bundle write(ImportedModel model) throws IOException {
    List<String> labels = IntStream.range(0, model.config().classes()).mapToObj(Integer::toString).toList();
    ModelCard card = new ModelCard(ModelCard.FORMAT_VERSION, "test", "v1", null, ModelCard.STYLEGAN2,
        model.config().network(), labels, Map.of(), null, null, null, Map.of());
    return StyleGan2Bundle.write(directory.resolve("bundle"), card, model.weights());
  }

  private static Tensor withoutNoise(StyleGan2Config config, Map<String, Tensor> weights, Tensor ws) {
    Graph g = new Graph("synthesis");
    Value input = g.input("ws", Shapes.FREE, config.numWs(), config.wDim());
    g.output("image", GeneratorNetwork.synthesis(g, config, input, Noise.none()));
    ModelProto model = OnnxWriter.inference(g, weights);
    try (InferenceSession session = InferenceSession.open(model, Compute.cpu(1))) {
      return session.run(Map.of("ws", ws)).get("image");
    }
  }

  @SafeVarargs
  private static Tensor run(Path model, String output, Map<String, Tensor>... inputs) {
    Map<String, Tensor> all = new HashMap<>();
    for (Map<String, Tensor> some : inputs) {
      all.putAll(some);
    }
    try (InferenceSession session = InferenceSession.open(model, Compute.cpu(1))) {
      return session.run(all).get(output);
    }
  }

  private static Map<String, Tensor> psi(Golden golden, float psi) {
    Tensor tensor = Tensor.zeros(golden.shape("in.z")[0], 1);
    Arrays.fill(tensor.data(), psi);
    return Map.of("psi", tensor);
  }

  private static Tensor tensor(Golden golden, String name) {
    return GoldenImports.tensor(golden, name);
  }

  /** What the source did not compute is not compared. */
  private static void check(Golden golden, String name, Tensor actual) {
    if (golden.names().contains(name)) {
      assertArrayEquals(golden.shape(name), actual.shape(), name);
      double error = GoldenNetworks.relativeError(actual.data(), golden.values(name));
      assertTrue(error < TOLERANCE, name + ": relative error " + error);
    }
  }
}
