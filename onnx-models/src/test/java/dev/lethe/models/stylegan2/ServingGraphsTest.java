package dev.lethe.models.stylegan2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.lethe.models.architecture.Precision;
import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.OnnxWriter;
import dev.lethe.models.graph.RandomTensors;
import dev.lethe.models.graph.Shapes;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import dev.lethe.models.runtime.Compute;
import dev.lethe.models.runtime.InferenceSession;
import dev.lethe.models.runtime.NativeRuntime;
import dev.lethe.models.runtime.TestDevice;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ServingGraphsTest {

  /** StyleGAN2's config F at 1024×1024, as the reference's FFHQ model has it. */
  private static final StyleGan2Config FFHQ = new StyleGan2Config(1024, 3, 0, 512, 512, 8, 32768, 512);

  @ParameterizedTest
  @CsvSource({"32, 8", "64, 10", "128, 12", "256, 14", "512, 16", "1024, 18"})
  void everyResolutionBuildsWithStaticShapes(int resolution, int numWs) {
    StyleGan2Config config = new StyleGan2Config(resolution, 3, 10, 512, 512, 8, 32768, 512);
    assertEquals(numWs, config.numWs());
    Graph g = new Graph("both");
    Value label = g.input("c", 8, 10);
    Value w = GeneratorNetwork.mapping(g, config, g.input("z", 8, 512), label);
    Value noise = g.input("noise", 8, GeneratorNetwork.noiseSize(config));
    Value image = GeneratorNetwork.synthesis(g, config, config.broadcast(w), Noise.given(noise));
    assertTrue(image.hasShape(8, 3, resolution, resolution), image.toString());
    assertTrue(Discriminator.logits(g, config, image, label).hasShape(8, 1));
  }

  @Test
  void referenceWidthsHaveTheReferencesNumberOfParameters() {
    Map<String, Long> sizes = Weights.shapes(FFHQ).entrySet().stream()
        .filter(e -> GeneratorNetwork.isTrainable(e.getKey()))
        .collect(Collectors.groupingBy(e -> e.getKey().substring(0, 2),
            Collectors.summingLong(e -> Shapes.size(e.getValue()))));
    assertEquals(Map.of("G.", 30_370_060L, "D.", 29_012_513L), sizes);
  }

  @Test
  void generatesA1024ImageWithTheReferencesWidths() {
    Map<String, Tensor> weights = Weights.initialize(FFHQ, 1);
    Map<String, Tensor> latent = Map.of("z", RandomTensors.normal(new SplittableRandom(2), 1, 512), "psi",
        new Tensor(new long[] {1, 1}, new float[] {0.7f}));
    Tensor ws = run(ServingGraphs.mapping(FFHQ), weights, latent).get("ws");
    assertEquals(List.of(1L, 18L, 512L), dimensions(ws));
    Tensor image = run(ServingGraphs.synthesis(FFHQ), weights, Map.of("ws", ws)).get("image");
    assertEquals(List.of(1L, 3L, 1024L, 1024L), dimensions(image));
    double square = 0;
    for (float v : image.data()) {
      square += v * v;
    }
    // Demodulation keeps random weights' images at about unit scale; nothing overflows or dies out on the way.
    double scale = Math.sqrt(square / image.data().length);
    assertTrue(scale > 0.1 && scale < 10, "root mean square " + scale);
  }

  @Test
  void aFreeBatchGivesWhatAStaticOneGives() {
    StyleGan2Config config = new StyleGan2Config(64, 3, 5, 24, 32, 3, 512, 24);
    Map<String, Tensor> weights = Weights.initialize(config, 11);
    Tensor label = Tensor.zeros(8, 5);
    for (int i = 0; i < 8; i++) {
      label.data()[5 * i + i % 5] = 1;
    }
    SplittableRandom random = new SplittableRandom(12);
    Map<String, Tensor> inputs = Map.of("z", RandomTensors.normal(random, 8, 24), "c", label, "noise",
        RandomTensors.normal(random, 8, GeneratorNetwork.noiseSize(config)));
    Map<String, Tensor> free = run(both(config, Shapes.FREE), weights, inputs);
    run(both(config, 8), weights, inputs).forEach((name, tensor) -> {
      assertEquals(dimensions(tensor), dimensions(free.get(name)));
      double error = GoldenNetworks.relativeError(free.get(name).data(), tensor.data());
      assertTrue(error < 1e-5, name + ": relative error " + error);
    });
  }

  private static Graph both(StyleGan2Config config, long n) {
    Graph g = new Graph("both");
    Value label = g.input("c", n, config.classes());
    Value w = GeneratorNetwork.mapping(g, config, g.input("z", n, config.zDim()), label);
    Value noise = g.input("noise", n, GeneratorNetwork.noiseSize(config));
    Value image = GeneratorNetwork.synthesis(g, config, config.broadcast(w), Noise.given(noise));
    g.output("image", image);
    g.output("logits", Discriminator.logits(g, config, image, label));
    return g;
  }

  /** ONNX Runtime folds gains, transposed weights and their energies when it loads a graph; none is left to a run. */
  @ParameterizedTest
  @ValueSource(strings = {"mapping", "synthesis", "half", "discriminator"})
  void nothingConstantIsLeftToComputeForEachRequest(String network, @TempDir Path directory)
      throws IOException, OrtException {
    StyleGan2Config config = new StyleGan2Config(32, 1, 10, 32, 32, 2, 512, 32);
    Graph graph = switch (network) {
      case "mapping" -> ServingGraphs.mapping(config);
      case "synthesis" -> ServingGraphs.synthesis(config);
      case "half" -> ServingGraphs.synthesis(config, Precision.FP16);
      default -> ServingGraphs.discriminator(config);
    };
    Path optimized = directory.resolve("optimized.onnx");
    NativeRuntime runtime = NativeRuntime.load();
    try (OrtSession.SessionOptions options = runtime.sessionOptions(Compute.cpu(1))) {
      options.setOptimizedModelFilePath(optimized.toString());
      byte[] model = OnnxWriter.inference(graph, Weights.initialize(config, 1)).toByteArray();
      runtime.environment().createSession(model, options).close();
    }
    GraphProto proto;
    try (InputStream in = Files.newInputStream(optimized)) {
      proto = ModelProto.parseFrom(in).getGraph();
    }
    Set<String> varying = proto.getInputList().stream().map(ValueInfoProto::getName)
        .collect(Collectors.toCollection(HashSet::new));
    for (NodeProto node : proto.getNodeList()) {
      // ONNX Runtime casts half weights for operators that the CPU only has for floats; a GPU has them for both.
      boolean forTheCpu = node.getName().startsWith("InsertedPrecisionFreeCast_");
      assertTrue(forTheCpu || node.getInputList().stream().anyMatch(varying::contains),
          node.getOpType() + " " + node.getName() + " depends on constants alone");
      varying.addAll(node.getOutputList());
    }
  }

  private static Map<String, Tensor> run(Graph graph, Map<String, Tensor> weights, Map<String, Tensor> inputs) {
    try (InferenceSession session = InferenceSession.open(OnnxWriter.inference(graph, weights),
        new Compute(TestDevice.get(), 2))) {
      return session.run(inputs);
    }
  }

  private static List<Long> dimensions(Tensor tensor) {
    return Arrays.stream(tensor.shape()).boxed().toList();
  }
}
