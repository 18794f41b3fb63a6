package dev.lethe.client.demo;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.client.image.Pictures;
import dev.lethe.v1.LabelledImage;
import java.awt.image.BufferedImage;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MnistSampleTest {

  /** The tests run in clients/java. */
  private static final Path SHIPPED = Path.of("../../onnx-models/mnist-sample");

  @TempDir
  private Path folder;

  private interface Body {
    void write(DataOutputStream out) throws IOException;
  }

  private void put(String name, Body body) throws IOException {
    try (DataOutputStream out = new DataOutputStream(new GZIPOutputStream(
        Files.newOutputStream(folder.resolve(name))))) {
      body.write(out);
    }
  }

  private void putSample(int images, int side, int labels) throws IOException {
    put(MnistSample.IMAGES, out -> {
      for (int value : new int[] {0x803, images, side, side}) {
        out.writeInt(value);
      }
      for (int i = 0; i < images * side * side; i++) {
        out.writeByte(1 + i % 255);
      }
    });
    put(MnistSample.LABELS, out -> {
      out.writeInt(0x801);
      out.writeInt(labels);
      for (int i = 0; i < labels; i++) {
        out.writeByte(i % 10);
      }
    });
  }

  @Test
  void theShippedSampleHasEnoughImages() throws IOException {
    MnistSample sample = MnistSample.read(SHIPPED);
    MnistSample.Choice choice = sample.choose(64, 256, 0);
    assertEquals(64, choice.unlearn().size());
    assertEquals(256, choice.learn().size());
    List<LabelledImage> all = new ArrayList<>(choice.unlearn());
    all.addAll(choice.learn());
    assertEquals(320, new HashSet<>(all).size(), "no image twice");
    assertEquals(10, choice.learn().stream().map(LabelledImage::getLabel).distinct().count());
  }

  @Test
  void theSeedChooses() throws IOException {
    MnistSample sample = MnistSample.read(SHIPPED);
    assertEquals(sample.choose(8, 8, 3), sample.choose(8, 8, 3));
    assertNotEquals(sample.choose(8, 8, 3), sample.choose(8, 8, 4));
  }

  @Test
  void imagesAreCentredOnBlack() throws IOException {
    putSample(1, 28, 1);
    LabelledImage only = MnistSample.read(folder).choose(1, 0, 0).unlearn().get(0);
    BufferedImage picture = Pictures.decode(only.getImage());
    assertEquals("0", only.getLabel());
    assertEquals(32, picture.getWidth());
    assertEquals(32, picture.getHeight());
    int[] row = picture.getRaster().getSamples(0, 2, 32, 1, 0, (int[]) null);
    int[] expected = new int[32];
    for (int x = 0; x < 28; x++) {
      expected[x + 2] = 1 + x;
    }
    assertArrayEquals(expected, row);
    assertArrayEquals(new int[64], picture.getRaster().getSamples(0, 30, 32, 2, 0, (int[]) null));
  }

  @Test
  void moreThanThereAreIsRefused() throws IOException {
    putSample(3, 28, 3);
    MnistSample sample = MnistSample.read(folder);
    assertThrows(IllegalArgumentException.class, () -> sample.choose(2, 2, 0));
  }

  @Test
  void brokenFilesAreNamed() throws IOException {
    putSample(3, 28, 2);
    assertTrue(refusal().contains(MnistSample.LABELS));
    putSample(3, 27, 3);
    assertTrue(refusal().contains("27x27"));
    put(MnistSample.IMAGES, out -> out.writeInt(0x801));
    assertTrue(refusal().contains("no IDX file"));
    put(MnistSample.IMAGES, out -> {
      for (int value : new int[] {0x803, 2, 28, 28}) {
        out.writeInt(value);
      }
      out.write(new byte[28 * 28 + 1]);
    });
    assertTrue(refusal().contains("cut off"));
  }

  private String refusal() {
    return assertThrows(IOException.class, () -> MnistSample.read(folder)).getMessage();
  }
}
