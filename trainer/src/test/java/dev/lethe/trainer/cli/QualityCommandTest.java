package dev.lethe.trainer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.bundle.ModelCard.Quality;
import dev.lethe.models.features.FeatureNetwork;
import dev.lethe.models.graph.OnnxWriter;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** Trains a tiny model for two steps on noise, with a feature network of random weights. */
class QualityCommandTest {

  private static final int IMAGES = 48;

  @TempDir
  private Path directory;
  private Path data;
  private Path features;

  @BeforeEach
  void writeDataAndFeatures() throws IOException {
    data = Files.createDirectory(directory.resolve("data"));
    writeSplit("train", IMAGES);
    writeSplit("t10k", 20);
    FeatureNetwork network = new FeatureNetwork(32, 1, 3);
    features = directory.resolve("some-features.onnx");
    Files.write(features, OnnxWriter.inference(network.graph(), network.initialize(0)).toByteArray());
  }

  @Test
  void measuresWhatTheCardSays() throws IOException {
    Path bundle = train("--features", features.toString());
    Quality card = Bundle.open(bundle).card().quality();
    assertNotNull(card);
    assertEquals(IMAGES, card.samples());
    assertTrue(card.fid() > card.fidReal(), card::toString);

    String printed = quality(0, bundle);
    assertTrue(printed.contains("worst class"), printed);
    assertEquals(card, new ObjectMapper().readValue(printed.substring(printed.indexOf('{')), Quality.class));

    assertTrue(quality(0, bundle, "--samples", "12").contains("\"samples\" : 12"));
    assertTrue(quality(2, bundle, "--samples", "1").contains("1 samples cannot be measured"));
    Files.write(data.resolve("t10k-labels-idx1-ubyte"), labels(20, 4));
    assertTrue(quality(2, bundle).contains("the model's classes are [0, 1, 2]"));
  }

  @Test
  void withoutATestSplitNothingIsMeasured() throws IOException {
    Files.delete(data.resolve("t10k-images-idx3-ubyte"));
    Files.delete(data.resolve("t10k-labels-idx1-ubyte"));
    assertNull(Bundle.open(train("--features", features.toString())).card().quality());
  }

  @Test
  void aBundleWithoutFeaturesIsRefused() throws IOException {
    Path bundle = train();
    assertNull(Bundle.open(bundle).card().quality());
    assertTrue(quality(2, bundle).contains("has no features.onnx"));
  }

  private Path train(String... more) {
    Path bundle = directory.resolve("bundle");
    CommandLine command = new CommandLine(new GanCommand());
    String[] arguments = ("--data " + data + " --out " + bundle + " --run " + directory.resolve("run")
        + " --kimg 0.008 --batch 4 --z-dim 4 --w-dim 4 --mapping-layers 1 --channel-base 64 --channel-max 4"
        + " --threads 1 " + String.join(" ", more)).strip().split(" ");
    assertEquals(0, command.execute(arguments));
    return bundle;
  }

  /** What the command says. */
  private String quality(int expectedStatus, Path bundle, String... more) {
    StringWriter said = new StringWriter();
    CommandLine command = new CommandLine(new QualityCommand()).setOut(new PrintWriter(said))
        .setErr(new PrintWriter(said));
    String[] arguments = ("--bundle " + bundle + " --data " + data + " --threads 1 " + String.join(" ", more)).strip()
        .split(" ");
    assertEquals(expectedStatus, command.execute(arguments), said::toString);
    return said.toString();
  }

  private void writeSplit(String split, int n) throws IOException {
    byte[] pixels = new byte[n * 32 * 32];
    new Random(n).nextBytes(pixels);
    Files.write(data.resolve(split + "-images-idx3-ubyte"), ByteBuffer.allocate(16 + pixels.length).putInt(0x0803)
        .putInt(n).putInt(32).putInt(32).put(pixels).array());
    Files.write(data.resolve(split + "-labels-idx1-ubyte"), labels(n, 3));
  }

  private static byte[] labels(int n, int classes) {
    ByteBuffer labels = ByteBuffer.allocate(8 + n).putInt(0x0801).putInt(n);
    for (int i = 0; i < n; i++) {
      labels.put((byte) (i % classes));
    }
    return labels.array();
  }
}
