package dev.lethe.trainer.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.image.ImageEncoder;
import dev.lethe.models.stylegan2.StyleGan2Bundle;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Trains a tiny model for a few steps on a folder of images for each of two classes. */
class GanCommandTest {

  private static final String[] DEFAULTS = ("--kimg 0.016 --batch 4 --z-dim 4 --w-dim 6 --mapping-layers 1 "
      + "--channel-base 64 --channel-max 4 --threads 1 --seed 3").split(" ");

  @TempDir private Path temp;
  private Path data;
  private final StringWriter errors = new StringWriter();

  @BeforeEach
  void writeImages() throws IOException {
    data = temp.resolve("pets");
    Random random = new Random(1);
    for (String label : List.of("cat", "dog")) {
      Path folder = Files.createDirectories(data.resolve(label));
      for (int i = 0; i < 6; i++) {
        byte[] pixels = new byte[32 * 32];
        random.nextBytes(pixels);
        Files.write(folder.resolve(i + ".png"), ImageEncoder.png(pixels, 1, 32, 32));
      }
    }
  }

  @Test
  void writesABundleWithItsRecord() throws IOException {
    assertEquals(0, train("run", "out", "--name", "animals", "--version-name", "first"), errors::toString);
    Bundle bundle = Bundle.open(temp.resolve("out"));
    bundle.verify();
    ModelCard card = bundle.card();
    assertEquals("animals", card.name());
    assertEquals("first", card.version());
    assertNull(card.parentVersion());
    assertEquals(List.of("cat", "dog"), card.labels());
    assertEquals(new ModelCard.Network(32, 1, 4, 6, 8, 1, 64, 4), card.network());
    assertEquals(2, card.w().classAvg().length);
    assertEquals(6, card.w().classAvg()[1].length);
    assertFalse(Arrays.equals(card.w().classAvg()[0], card.w().classAvg()[1]));
    assertNull(card.quality());

    ModelCard.Training training = card.training();
    assertEquals("pets", training.data());
    assertEquals(12, training.images());
    assertEquals(3, training.seed());
    assertEquals(4, training.batch());
    assertEquals(0.016, training.kimg());
    assertTrue(training.wallSeconds() > 0);
    assertEquals(16 / training.wallSeconds(), training.imagesPerSecond(), 1e-9 * training.imagesPerSecond());
    assertTrue(training.machine().matches(".*\\S, \\d+ cores?"), training.machine());
    assertFalse(LocalDate.parse(training.date()).isBefore(LocalDate.now().minusDays(1)));

    // A row of twelve for each class, each image twice as large.
    var grid = ImageIO.read(temp.resolve("run").resolve("samples-000000.png").toFile());
    assertEquals(2 * 66 - 2, grid.getHeight());

    assertEquals(2, train("run", "out"));
    assertTrue(errors.toString().contains("--out is " + temp.resolve("out") + "; it must be a new directory"),
        errors.toString());
  }

  /** Each call is out of time after one step. */
  @Test
  void aRunThatWasStoppedGoesOnWithTheSameCommand() throws IOException {
    assertEquals(0, train("straight", "expected"), errors::toString);
    for (int step = 1; step <= 4; step++) {
      assertFalse(Bundle.isBundle(temp.resolve("out")), "before step " + step);
      assertEquals(0, train("stopped", "out", "--minutes", "0.000001"), errors::toString);
    }
    ModelCard expected = Bundle.open(temp.resolve("expected")).card();
    ModelCard card = Bundle.open(temp.resolve("out")).card();
    assertEquals(expected.sha256(), card.sha256(), "the same networks, bit for bit");
    assertEquals(expected.training().kimg(), card.training().kimg());
  }

  @Test
  void aRunGoesOnWithTheOtherLearner() throws IOException {
    assertEquals(0, train("run", "out", "--minutes", "0.000001"), errors::toString);
    assertFalse(Bundle.isBundle(temp.resolve("out")));
    assertEquals(0, train("run", "out", "--learner", "session"), errors::toString);
    assertEquals(0.016, Bundle.open(temp.resolve("out")).card().training().kimg());
    assertEquals(2, train("other", "none", "--learner", "torch"));
    assertTrue(errors.toString().contains("--learner"), errors.toString());
  }

  @Test
  void aPartOfTheImagesWithoutTheirClasses() throws IOException {
    assertEquals(0, train("run", "out", "--skip", "5", "--images", "4", "--unconditional"), errors::toString);
    ModelCard card = Bundle.open(temp.resolve("out")).card();
    assertEquals(List.of(), card.labels());
    assertEquals(0, card.w().classAvg().length);
    assertEquals(4, card.training().images());
  }

  @Test
  void leavesClassesOutAndKeepsTheirLabels() throws IOException {
    assertEquals(0, train("run", "out", "--without", "cat"), errors::toString);
    ModelCard card = Bundle.open(temp.resolve("out")).card();
    assertEquals(List.of("cat", "dog"), card.labels());
    assertEquals(6, card.training().images());
  }

  /** Sizes and weights are the bundle's; those of the command line do not count. */
  @Test
  void startsFromABundle() throws IOException {
    assertEquals(0, train("run", "first"), errors::toString);
    Bundle first = Bundle.open(temp.resolve("first"));
    assertEquals(0, train("again", "second", "--from", temp.resolve("first").toString(), "--w-dim", "8",
        "--learning-rate", "1e-12"), errors::toString);
    Bundle second = Bundle.open(temp.resolve("second"));
    assertEquals(first.card().network(), second.card().network());
    Map<String, Tensor> before = StyleGan2Bundle.weights(first);
    Map<String, Tensor> after = StyleGan2Bundle.weights(second);
    for (String name : List.of("D.b4.fc.weight", "G.synthesis.b32.conv1.weight")) {
      assertArrayEquals(before.get(name).data(), after.get(name).data(), 1e-5f, name);
    }
  }

  @Test
  void canariesAreTestImagesShownOften() throws IOException {
    Path split = temp.resolve("split");
    Random random = new Random(2);
    for (String folder : List.of("train/cat", "train/dog", "test/cat", "test/dog")) {
      Files.createDirectories(split.resolve(folder));
      for (int i = 0; i < 4; i++) {
        byte[] pixels = new byte[32 * 32];
        random.nextBytes(pixels);
        Files.write(split.resolve(folder).resolve(i + ".png"), ImageEncoder.png(pixels, 1, 32, 32));
      }
    }
    data = split;
    assertEquals(0, train("run", "out", "--canaries", "2", "--canary-repeats", "3"), errors::toString);
    assertEquals(8 + 2 * 3, Bundle.open(temp.resolve("out")).card().training().images());
    assertEquals(2, train("run2", "out2", "--canaries", "9"));
    assertTrue(errors.toString().contains("9 canaries cannot be taken from 8 test images"), errors.toString());
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {
      "--batch 6 | batch is 6; it must be a multiple of 4",
      "--kimg many | Invalid value for option '--kimg': 'many' is not a double",
      "--mixing 1.5 | mixing is 1.5; it must be from 0 to 1",
      "--skip 12 | --skip is 12; it must be from 0 to 11 with the 12 images of ",
      "--images -1 | --images is -1; it must be 0 or above",
      "--without bird | --without is bird; it must be a class of the data: [cat, dog]",
      "--without cat,dog | --without is [cat, dog]; it must be not all classes",
      "--canaries -1 | --canaries is -1; it must be 0 or above",
      "--canary-repeats 0 | --canary-repeats is 0; it must be 1 or above",
      "--minutes -1 | --minutes is -1.0; it must be 0 or above",
      "--snapshot-kimg 0 | --snapshot-kimg is 0.0; it must be above 0",
      "--channel-base 16 | channel_base is 16; it must be at least the resolution, 32",
      "--device tpu | Device \"tpu\": unknown device \"tpu\": use cpu, cuda or cuda:ID.",
      "--device cuda:4000,tf32=true | Device cuda:4000",
      "--threads -1 | threads is -1: use 0 for one on each core, or a number above.",
      "--z-dims 8 | Unknown options: '--z-dims', '8'"})
  void wrongOptionsAreUsageErrors(String wrong, String expected) {
    assertEquals(2, train("run", "out", wrong.split(" ")));
    assertTrue(errors.toString().startsWith("lethe: " + expected), errors.toString());
    assertEquals(2, errors.toString().lines().count(), errors.toString());
    assertFalse(Files.exists(temp.resolve("out")));
  }

  @Test
  void whatIsRequiredIsNamed() {
    assertEquals(2, execute("gan", "--data", data.toString()));
    assertTrue(errors.toString().startsWith("lethe: Missing required options: '--out=DIR', '--run=DIR'"),
        errors.toString());
    assertTrue(errors.toString().contains("Try 'lethe train gan --help'."), errors.toString());
  }

  @Test
  void aRunOfOtherNetworksIsNotGoneOnWith() {
    assertEquals(0, train("run", "out", "--minutes", "0.000001"), errors::toString);
    assertEquals(2, train("run", "out", "--channel-max", "8"));
    assertTrue(errors.toString().contains("checkpoint.ort is of other networks: "), errors.toString());
  }

  @Test
  void dataThatCannotBeReadIsNamed() throws IOException {
    Path image = data.resolve("dog").resolve("3.png");
    Files.write(image, Arrays.copyOf(Files.readAllBytes(image), 100));
    assertFailed("lethe: " + image + ": the PNG image is cut off");
    data = temp.resolve("nowhere");
    assertFailed("lethe: " + data + ": there is no such file or directory");
  }

  @Test
  void aFeatureNetworkThatCannotBeReadIsNamedBeforeTraining() throws IOException {
    Path features = Files.write(temp.resolve("features.onnx"), new byte[] {1, 2, 3});
    assertFailed("lethe: ONNX Runtime does not load this model: ", "--features", features.toString());
    assertTrue(errors.toString().contains(features.toString()), errors.toString());
    assertFalse(Files.exists(temp.resolve("run")));
  }

  @Test
  void aRunThatDivergesSaysWhatToDo() throws IOException {
    // More than a float holds.
    assertFailed("lethe: training diverged: ", "--gamma", "1e39");
    assertTrue(errors.toString().contains("lower the learning rate or raise gamma"), errors.toString());
    try (Stream<Path> files = Files.list(temp.resolve("run"))) {
      assertTrue(files.noneMatch(file -> file.endsWith("checkpoint.ort")));
    }
  }

  /** In one line. */
  private void assertFailed(String expected, String... more) {
    errors.getBuffer().setLength(0);
    assertEquals(1, train("run", "out", more));
    assertTrue(errors.toString().startsWith(expected), errors.toString());
    assertEquals(1, errors.toString().lines().count(), errors.toString());
  }

  private int train(String run, String out, String... more) {
    Stream<String> paths = Stream.of("gan", "--data", data.toString(), "--run", temp.resolve(run).toString(), "--out",
        temp.resolve(out).toString());
    return execute(Stream.of(paths, Arrays.stream(DEFAULTS), Arrays.stream(more)).flatMap(part -> part)
        .toArray(String[]::new));
  }

  private int execute(String... arguments) {
    return TrainCommand.commandLine().setOverwrittenOptionsAllowed(true).setErr(new PrintWriter(errors, true))
        .execute(arguments);
  }
}
