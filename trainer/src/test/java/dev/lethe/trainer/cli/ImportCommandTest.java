package dev.lethe.trainer.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnx.proto.OnnxMl.ModelProto;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.bundle.ModelCard.WStatistics;
import dev.lethe.models.features.FeatureNetwork;
import dev.lethe.models.features.ForeignFeatures;
import dev.lethe.models.golden.Golden;
import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.OnnxWriter;
import dev.lethe.models.graph.Ops;
import dev.lethe.models.graph.Shapes;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import dev.lethe.models.runtime.Compute;
import dev.lethe.models.runtime.InferenceSession;
import dev.lethe.models.stylegan2.DiscriminatorConfig;
import dev.lethe.models.stylegan2.DiscriminatorConfig.Architecture;
import dev.lethe.models.stylegan2.GoldenNetworks;
import dev.lethe.models.stylegan2.StyleGan2Bundle;
import dev.lethe.models.stylegan2.StyleGan2Config;
import dev.lethe.models.stylegan2.Weights;
import dev.lethe.models.stylegan2.imports.GoldenImports;
import dev.lethe.trainer.features.FeatureExtractor;
import dev.lethe.trainer.model.ModelWeights;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class ImportCommandTest {

  @TempDir
  private Path directory;

  private final StringWriter output = new StringWriter();
  private final StringWriter errors = new StringWriter();

  @Test
  void makesABundleASummaryAndAPicture() throws IOException {
    Path file = GoldenImports.copy("ada-cifar-cond-32-rgb.pkl", directory);
    Path features = directory.resolve("features.onnx");
    FeatureNetwork network = new FeatureNetwork(32, 3, 10);
    Files.write(features, OnnxWriter.inference(network.graph(), network.initialize(1)).toByteArray());
    Path out = directory.resolve("cifar/v1");
    assertEquals(0, run(ImportCommand.commandLine(), file.toString(), "--name", "cifar", "--out", out.toString(),
        "--labels", "a,b,c,d,e,f,g,h,i,j", "--features", features.toString()), errors::toString);
    for (String part : List.of("StyleGAN2-ADA (PyTorch), pickle", "32 x 32, RGB", "z 24, w 24, 2 mapping layers",
        "conv_clamp 0.8", "orig, minibatch standard deviation of groups of 4")) {
      assertTrue(output.toString().contains(part), output + " lacks " + part);
    }
    Bundle bundle = Bundle.open(out);
    bundle.verify();
    assertEquals("cifar", bundle.card().name());
    assertEquals("b", bundle.card().labels().get(1));
    assertEquals(10, bundle.card().w().classAvg().length);
    assertTrue(bundle.card().has(Bundle.DISCRIMINATOR) && bundle.card().has(Bundle.FEATURES));
    assertArrayEquals(StyleGan2Bundle.weights(bundle).get("G.mapping.w_avg").data(), bundle.card().w().avg());
    BufferedImage picture = ImageIO.read(directory.resolve("cifar/v1.png").toFile());
    assertTrue(picture.getWidth() >= 8 * 32);
  }

  @Test
  void estimatesTheAverageThatAFileLacksAndSaysSo() throws IOException {
    Path file = GoldenImports.copy("rosinality-32.pt", directory);
    Path out = directory.resolve("out");
    assertEquals(0, run(ImportCommand.commandLine(), file.toString(), "--name", "r", "--out", out.toString()),
        errors::toString);
    assertTrue(output.toString().contains("estimating it from 10,000 z"), output.toString());
    float[] average = StyleGan2Bundle.weights(Bundle.open(out)).get("G.mapping.w_avg").data();
    assertTrue(IntStream.range(0, average.length).anyMatch(i -> average[i] != 0));
  }

  @Test
  void aGeneratorAloneIsABundleToo() throws IOException {
    Path file = GoldenImports.copy("ada-g-only-32-rgb.pkl", directory);
    Path out = directory.resolve("out");
    assertEquals(0, run(ImportCommand.commandLine(), file.toString(), "--name", "g", "--out", out.toString()),
        errors::toString);
    assertTrue(output.toString().contains("discriminator  none"), output.toString());
    Bundle bundle = Bundle.open(out);
    bundle.verify();
    assertFalse(Files.exists(bundle.discriminator()));
    assertFalse(Files.exists(bundle.features()));
  }

  static List<String> files() {
    return GoldenImports.FILES;
  }

  /** Every golden file by the command: what lies in the bundle draws what the source drew. */
  @ParameterizedTest
  @MethodSource("files")
  void whatWasImportedDrawsWhatItsSourceDraws(String name) throws IOException {
    Golden golden = GoldenImports.expected(name);
    Path out = directory.resolve("out");
    assertEquals(0, run(ImportCommand.commandLine(), GoldenImports.copy(name, directory).toString(), "--name", "g",
        "--out", out.toString()), errors::toString);
    Bundle bundle = Bundle.open(out);
    bundle.verify();
    for (float psi : new float[] {1, 0.6f}) {
      String suffix = psi == 1 ? "" : "_psi0.6";
      if (!golden.names().contains("out.ws" + suffix)) {
        continue;
      }
      Map<String, Tensor> inputs = new HashMap<>(Map.of("z", GoldenImports.tensor(golden, "in.z")));
      Tensor truncation = Tensor.zeros(golden.shape("in.z")[0], 1);
      Arrays.fill(truncation.data(), psi);
      inputs.put("psi", truncation);
      if (golden.names().contains("in.c")) {
        inputs.put("c", GoldenImports.tensor(golden, "in.c"));
      }
      Tensor ws;
      try (InferenceSession mapping = InferenceSession.open(bundle.mapping(), Compute.cpu(1));
          InferenceSession synthesis = InferenceSession.open(bundle.synthesis(), Compute.cpu(1))) {
        ws = mapping.run(inputs).get("ws");
        assertClose(golden, "out.ws" + suffix, ws);
        assertClose(golden, "out.img" + suffix, synthesis.run(Map.of("ws", ws)).get("image"));
      }
    }
    if (golden.names().contains("out.d_real")) {
      Map<String, Tensor> real = new HashMap<>(Map.of("image", GoldenImports.tensor(golden, "in.real")));
      if (golden.names().contains("in.c")) {
        real.put("c", GoldenImports.tensor(golden, "in.c"));
      }
      try (InferenceSession discriminator = InferenceSession.open(bundle.discriminator(), Compute.cpu(1))) {
        assertClose(golden, "out.d_real", discriminator.run(real).get("logits"));
      }
    }
  }

  private static void assertClose(Golden golden, String name, Tensor actual) {
    double error = GoldenNetworks.relativeError(actual.data(), golden.values(name));
    assertTrue(error < 1e-4, name + ": relative error " + error);
  }

  /** The network that ships measures RGB models that have nothing better, and tells nothing of their classes. */
  @Test
  void theShippedFeaturesMeasureRgbModelsWithoutADiscriminator() throws IOException {
    Path shipped = directory.resolve("natural.onnx");
    FeatureNetwork network = new FeatureNetwork(32, 3, 10);
    Files.write(shipped, OnnxWriter.inference(network.graph(), network.initialize(1)).toByteArray());
    String before = System.getProperty("lethe.default.features");
    System.setProperty("lethe.default.features", shipped.toString());
    try {
      Bundle rgb = imported("ada-g-only-32-rgb.pkl", "rgb");
      assertTrue(output.toString().contains("features       the shipped network of natural images"), output.toString());
      ModelWeights model = ModelWeights.read(rgb);
      assertTrue(model.measuring().isPresent());
      assertEquals(0, model.recognisedClasses());
      try (FeatureExtractor extractor = FeatureExtractor.open(model, Compute.cpu(1))) {
        assertEquals(network.width(), extractor.run(Tensor.zeros(2, 3, 32, 32)).width());
      }
      assertFalse(imported("ada-auto-64-gray.pkl", "grey").card().has(Bundle.FEATURES));
      assertFalse(imported("ada-cifar-cond-32-rgb.pkl", "own").card().has(Bundle.FEATURES));
      assertFalse(imported("ada-g-only-32-rgb.pkl", "none", "--features", "none").card().has(Bundle.FEATURES));
    } finally {
      if (before == null) {
        System.clearProperty("lethe.default.features");
      } else {
        System.setProperty("lethe.default.features", before);
      }
    }
  }

  private Bundle imported(String file, String name, String... more) throws IOException {
    Path out = directory.resolve(name);
    List<String> arguments = new ArrayList<>(List.of(GoldenImports.copy(file, directory).toString(),
        "--name", name, "--out", out.toString()));
    arguments.addAll(List.of(more));
    assertEquals(0, run(ImportCommand.commandLine(), arguments.toArray(String[]::new)), errors::toString);
    return Bundle.open(out);
  }

  /** What is larger than the network takes is averaged, so that single pixels are the grey that they look. */
  @Test
  void nothingOfALargeImageIsPassedOver() throws IOException {
    Graph g = new Graph("theirs");
    g.output("embedding", Ops.reduceMean(Ops.square(g.input("pixels", Shapes.FREE, 3, 4, 4)), 2, 3));
    ModelProto network = new ForeignFeatures(0, List.of(0.5), List.of(0.5), null, null)
        .of(OnnxWriter.inference(g, Map.of()), 32, 3);
    Tensor stripes = Tensor.zeros(1, 3, 32, 32);
    for (int i = 0; i < stripes.data().length; i++) {
      stripes.data()[i] = i % 2 == 0 ? 1 : -1;
    }
    try (FeatureExtractor extractor = FeatureExtractor.open(network, Compute.cpu(1))) {
      assertArrayEquals(new float[3], extractor.run(stripes).features().data(), 1e-6f);
    }
  }

  /** Another's network is fed as it was trained: resized, with its channels, normalised; by whatever names it has. */
  @Test
  void takesAnyNetworkOfImagesAsFeatures() throws IOException {
    Graph g = new Graph("theirs");
    Value image = g.input("pixels", Shapes.FREE, 3, 64, 64);
    g.output("embedding", Ops.reduceMean(image, 2, 3));
    Path theirs = directory.resolve("embedder.onnx");
    Files.write(theirs, OnnxWriter.inference(g, Map.of()).toByteArray());
    Path file = GoldenImports.copy("ada-g-only-32-rgb.pkl", directory);
    Path out = directory.resolve("out");
    assertEquals(0, run(ImportCommand.commandLine(), file.toString(), "--name", "g", "--out", out.toString(),
        "--features",
        theirs.toString(), "--features-mean", "0.5,0.25,0", "--features-std", "0.5,0.5,2"), errors::toString);
    Bundle bundle = Bundle.open(out);
    ModelWeights model = ModelWeights.read(bundle);
    assertTrue(model.measuring().isPresent() && model.featuresInstead().isEmpty());
    assertEquals(0, model.recognisedClasses());
    try (FeatureExtractor extractor = FeatureExtractor.open(model, Compute.cpu(1))) {
      // Grey 0 is 0.5 of [0, 1].
      Tensor features = extractor.run(Tensor.zeros(2, 3, 32, 32)).features();
      assertArrayEquals(new long[] {2, 3}, features.shape());
      assertArrayEquals(new float[] {0, 0.5f, 0.25f, 0, 0.5f, 0.25f}, features.data(), 1e-5f);
    }
    Path bad = directory.resolve("bad.onnx");
    Files.writeString(bad, "no model");
    assertEquals(1, run(ImportCommand.commandLine(), file.toString(), "--name", "g", "--out",
        directory.resolve("other").toString(), "--features", bad.toString()));
    assertTrue(errors.toString().contains("bad.onnx"), errors.toString());
  }

  @Test
  void refusalsNameTheFileAndLeaveNoBundle() throws IOException {
    Path file = directory.resolve("mine.pkl");
    Files.writeString(file, "cos\nsystem\n(S'true'\ntR.");
    Path out = directory.resolve("out");
    assertEquals(1, run(ImportCommand.commandLine(), file.toString(), "--name", "x", "--out", out.toString()));
    assertTrue(errors.toString().startsWith("lethe: " + file + ": "), errors.toString());
    assertTrue(errors.toString().contains("os.system"), errors.toString());
    assertFalse(Bundle.isBundle(out));
    Path good = GoldenImports.copy("ada-g-only-32-rgb.pkl", directory);
    assertEquals(2, run(ImportCommand.commandLine(), good.toString(), "--name", "x", "--out", out.toString(),
        "--labels",
        "a,b"));
    assertTrue(errors.toString().contains("--labels names 2 classes; the model has none"), errors.toString());
    Path cifar = GoldenImports.copy("ada-cifar-cond-32-rgb.pkl", directory);
    assertEquals(2, run(ImportCommand.commandLine(), cifar.toString(), "--name", "x", "--out", out.toString(),
        "--labels", "cat,dog,cat,d,e,f,g,h,i,j"));
    assertTrue(errors.toString().contains("--labels names \"cat\" twice, as class 0 and as class 2"),
        errors.toString());
    assertEquals(2, run(ExportCommand.commandLine(), out.toString(), "--format", "pickle", "--out", "x"));
    assertTrue(errors.toString().contains("safetensors or pytorch-state-dict"), errors.toString());
  }

  @ParameterizedTest
  @ValueSource(strings = {"safetensors", "pytorch-state-dict"})
  void whatIsExportedComesBackBitForBit(String format) throws IOException {
    StyleGan2Config config = new StyleGan2Config(32, 1, 3, 8, 12, 2, 256, 16, List.of(16, 12, 12, 6), 0.5,
        new DiscriminatorConfig(Architecture.SKIP, null, 0.7, 2, 2, 0, 6));
    roundTrip(config, format);
  }

  /** StyleGAN2's config F, as official models of faces have it: 59 million parameters. */
  @Tag("slow")
  @ParameterizedTest
  @ValueSource(strings = {"safetensors", "pytorch-state-dict"})
  void largeModelsComeBackBitForBit(String format) throws IOException {
    roundTrip(new StyleGan2Config(1024, 3, 0, 512, 512, 8, 32768, 512), format);
  }

  private void roundTrip(StyleGan2Config config, String format) throws IOException {
    List<String> labels = IntStream.range(0, config.classes()).mapToObj(i -> "class " + i).toList();
    Map<String, String> unlearned = labels.isEmpty() ? Map.of() : Map.of("class 1", "v1");
    WStatistics w = new WStatistics(new float[config.wDim()], new float[config.classes()][config.wDim()]);
    Map<String, Tensor> weights = Weights.initialize(config, 5);
    Bundle first = StyleGan2Bundle.write(directory.resolve("first"), new ModelCard(ModelCard.FORMAT_VERSION, "m", "v1",
        null, ModelCard.STYLEGAN2, config.network(), labels, unlearned, w, null, null, Map.of()), weights);
    Path file = directory.resolve("file");
    Path again = directory.resolve("again");
    Path second = directory.resolve("second");
    assertEquals(0, run(ExportCommand.commandLine(), first.directory().toString(), "--format", format, "--out",
        file.toString()), errors::toString);
    assertEquals(0, run(ImportCommand.commandLine(), file.toString(), "--name", "m", "--out", second.toString()),
        errors::toString);
    assertEquals(0, run(ExportCommand.commandLine(), second.toString(), "--format", format, "--out", again.toString()),
        errors::toString);
    assertEquals(-1, Files.mismatch(file, again));
    Bundle read = Bundle.open(second);
    assertEquals(first.card().sha256(), read.card().sha256());
    assertEquals(unlearned, read.card().unlearnedLabels());
    assertEquals(config, StyleGan2Config.of(read.card()));
  }

  private int run(CommandLine command, String... arguments) {
    return command.setOut(new PrintWriter(output)).setErr(new PrintWriter(errors)).execute(arguments);
  }
}
