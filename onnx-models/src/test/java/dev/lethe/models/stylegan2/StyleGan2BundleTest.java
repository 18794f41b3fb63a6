package dev.lethe.models.stylegan2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnx.proto.OnnxMl.ModelProto;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.features.FeatureNetwork;
import dev.lethe.models.graph.OnnxWriter;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.Compute;
import dev.lethe.models.runtime.InferenceSession;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StyleGan2BundleTest {

  @TempDir
  private Path directory;

  @ParameterizedTest
  @ValueSource(strings = {"cond-32-gray", "uncond-32-rgb"})
  void servesTheReferencesNumbers(String name) throws IOException {
    GoldenNetworks golden = new GoldenNetworks(name);
    Bundle bundle = StyleGan2Bundle.write(directory, card(golden.config()), golden.weights());
    bundle.verify();

    Map<String, Tensor> label = new HashMap<>(golden.inputs());
    label.remove("z");
    Tensor ws = run(bundle.mapping(), "ws", golden.inputs(), Map.of("psi", filled(0.7f, golden.batch(), 1)));
    assertClose(golden.tensor("out.ws_psi0.7"), ws);
    Tensor image = run(bundle.synthesis(), "image", Map.of("ws", golden.tensor("out.ws")));
    assertClose(golden.tensor("out.img"), image);
    assertClose(golden.tensor("out.d_fake"),
        run(bundle.discriminator(), "logits", label, Map.of("image", golden.tensor("out.img"))));
    assertClose(golden.tensor("out.d_real"),
        run(bundle.discriminator(), "logits", label, Map.of("image", golden.tensor("in.real"))));
  }

  @Test
  void weightsComeBackAsTheyWere() throws IOException {
    StyleGan2Config config = new StyleGan2Config(32, 3, 4, 16, 24, 2, 256, 32);
    Map<String, Tensor> weights = Weights.initialize(config, 3);
    StyleGan2Bundle.write(directory, card(config), weights);
    Map<String, Tensor> read = StyleGan2Bundle.weights(Bundle.open(directory));
    assertEquals(weights.keySet(), read.keySet());
    weights.forEach((name, tensor) -> {
      assertArrayEquals(tensor.shape(), read.get(name).shape(), name);
      assertArrayEquals(tensor.data(), read.get(name).data(), name);
    });
  }

  @Test
  void takesAFeatureNetworkAsAModelOrAsAFile() throws IOException {
    StyleGan2Config config = small();
    FeatureNetwork network = new FeatureNetwork(32, 1, 10);
    ModelProto features = OnnxWriter.inference(network.graph(), network.initialize(5));
    Bundle first = StyleGan2Bundle.write(directory.resolve("first"), card(config), Weights.initialize(config, 1),
        features);
    Bundle second = StyleGan2Bundle.write(directory.resolve("second"), card(config), Weights.initialize(config, 2),
        first.features());
    second.verify();
    assertArrayEquals(features.toByteArray(), Files.readAllBytes(second.features()));
    assertEquals(first.card().sha256().get(Bundle.FEATURES), second.card().sha256().get(Bundle.FEATURES));
    assertEquals(List.of(1L, 128L), dimensions(run(second.features(), "features",
        Map.of("image", Tensor.zeros(1, 1, 32, 32)))));
  }

  @Test
  void neverReplacesABundle() throws IOException {
    StyleGan2Config config = small();
    StyleGan2Bundle.write(directory, card(config), Weights.initialize(config, 1));
    byte[] before = Files.readAllBytes(directory.resolve(Bundle.SYNTHESIS));
    assertThrows(FileAlreadyExistsException.class,
        () -> StyleGan2Bundle.write(directory, card(config), Weights.initialize(config, 2)));
    assertArrayEquals(before, Files.readAllBytes(directory.resolve(Bundle.SYNTHESIS)));
  }

  @Test
  void refusesWeightsThatAreNotTheNetworks() {
    StyleGan2Config config = small();
    Map<String, Tensor> weights = new HashMap<>(Weights.initialize(config, 1));
    weights.remove("D.b4.fc.weight");
    Exception e = assertThrows(IllegalArgumentException.class,
        () -> StyleGan2Bundle.write(directory, card(config), weights));
    assertTrue(e.getMessage().contains("D.b4.fc.weight"), e.getMessage());
    assertFalse(Bundle.isBundle(directory));
  }

  @Test
  void refusesFilesThatAreNotTheCards() throws IOException {
    StyleGan2Config config = small();
    StyleGan2Bundle.write(directory, card(config), Weights.initialize(config, 1));
    Bundle other = new Bundle(directory, card(new StyleGan2Config(32, 1, 0, 16, 16, 2, 512, 16)));
    Exception e = assertThrows(IOException.class, () -> StyleGan2Bundle.weights(other));
    assertTrue(e.getMessage().contains("G.synthesis.b"), e.getMessage());
  }

  @Test
  void aGeneratorAloneIsABundle() throws IOException {
    StyleGan2Config config = new StyleGan2Config(32, 1, 0, 16, 16, 2, 256, 16, List.of(16, 14, 12, 6), 0.5, null);
    Map<String, Tensor> weights = Weights.initialize(config, 1);
    StyleGan2Bundle.write(directory, card(config), weights);
    Bundle bundle = Bundle.open(directory);
    bundle.verify();
    assertFalse(bundle.card().has(Bundle.DISCRIMINATOR));
    assertFalse(Files.exists(bundle.discriminator()));
    assertEquals(config, StyleGan2Config.of(bundle.card()));
    assertEquals(weights.keySet(), StyleGan2Bundle.weights(bundle).keySet());
  }

  @Test
  void cardsOfTheFirstFormatAreOfTheReferencesDefaults() throws IOException {
    StyleGan2Bundle.write(directory, card(small()), Weights.initialize(small(), 1));
    Path file = directory.resolve(Bundle.CARD);
    ObjectNode card = (ObjectNode) new ObjectMapper().readTree(file.toFile());
    ((ObjectNode) card.get("network")).remove("discriminator");
    Files.writeString(file, card.put("format_version", 1).toString());
    Bundle old = Bundle.open(directory);
    assertEquals(small(), StyleGan2Config.of(old.card()));
    assertEquals(ModelCard.FORMAT_VERSION, old.card().formatVersion());
    Files.writeString(file, card.put("format_version", 3).toString());
    Exception e = assertThrows(IOException.class, () -> Bundle.open(directory));
    assertTrue(e.getMessage().contains("bundle format 3"), e.getMessage());
  }

  private static StyleGan2Config small() {
    return new StyleGan2Config(32, 1, 0, 16, 16, 2, 256, 16);
  }

  private static ModelCard card(StyleGan2Config config) {
    List<String> labels = IntStream.range(0, config.classes()).mapToObj(Integer::toString).toList();
    return new ModelCard(ModelCard.FORMAT_VERSION, "test", "1", null, ModelCard.STYLEGAN2, config.network(), labels,
        Map.of(), null, null, null, Map.of());
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

  private static Tensor filled(float value, long... shape) {
    Tensor tensor = Tensor.zeros(shape);
    Arrays.fill(tensor.data(), value);
    return tensor;
  }

  private static List<Long> dimensions(Tensor tensor) {
    return Arrays.stream(tensor.shape()).boxed().toList();
  }

  private static void assertClose(Tensor expected, Tensor actual) {
    assertArrayEquals(expected.shape(), actual.shape());
    double error = GoldenNetworks.relativeError(actual.data(), expected.data());
    assertTrue(error < 1e-4, "relative error " + error);
  }
}
