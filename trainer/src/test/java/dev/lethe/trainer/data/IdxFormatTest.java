package dev.lethe.trainer.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.lifecycle.AfterProperty;
import net.jqwik.api.lifecycle.BeforeProperty;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class IdxFormatTest {

  private static final String IMAGES = "train-images-idx3-ubyte";
  private static final String LABELS = "train-labels-idx1-ubyte";

  private Path directory;

  @BeforeEach
  @BeforeProperty
  void createDirectory() throws IOException {
    directory = Files.createTempDirectory("idx");
  }

  @AfterEach
  @AfterProperty
  void deleteDirectory() throws IOException {
    try (var files = Files.list(directory)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(directory);
  }

  @Test
  void padsToAPowerOfTwoAndCountsClassesOfBothSplits() throws IOException {
    byte[] pixels = new byte[2 * 28 * 28];
    pixels[0] = (byte) 255;
    pixels[28 * 28 + 27 * 28 + 27] = 51;
    write(IMAGES, images(2, 28, 28, pixels));
    write(LABELS, labels(2, 3, 1));
    write("t10k-labels-idx1-ubyte", labels(1, 4));

    ImageDataset data = Datasets.open(directory, Split.TRAIN);
    assertEquals(2, data.size());
    assertEquals(1, data.channels());
    assertEquals(32, data.resolution());
    assertEquals(List.of("0", "1", "2", "3", "4"), data.labels());
    assertEquals(3, data.label(0));
    assertEquals(1, data.label(1));

    float[] expected = new float[2 * 32 * 32];
    Arrays.fill(expected, -1);
    expected[32 * 32 + 2 * 32 + 2] = 1;
    expected[29 * 32 + 29] = 51 / 127.5f - 1;
    assertArrayEquals(expected, data.images(1, 0).data());
    assertArrayEquals(new float[] {0, 1, 0, 0, 0, 0, 0, 0, 1, 0}, data.oneHot(1, 0).data());

    ImageDataset subset = data.subset(1, 1);
    assertEquals(2, subset.size());
    assertEquals(1, subset.label(1));
    assertEquals(data.labels(), subset.labels());
    assertArrayEquals(data.pixels(1), subset.pixels(0));
  }

  @Test
  void readsGzipAndDoesWithoutLabels() throws IOException {
    byte[] pixels = new byte[32 * 32];
    Arrays.fill(pixels, (byte) 255);
    ByteArrayOutputStream zipped = new ByteArrayOutputStream();
    try (GZIPOutputStream out = new GZIPOutputStream(zipped)) {
      out.write(images(1, 32, 32, pixels));
    }
    write("t10k-images-idx3-ubyte.gz", zipped.toByteArray());
    ImageDataset data = Datasets.open(directory, Split.TEST);
    assertEquals(0, data.classes());
    assertEquals(0, data.label(0));
    assertEquals(0, data.oneHot(0).data().length);
    assertArrayEquals(pixels, data.pixels(0));
    assertMessage("no train split: there is no train-images-idx3-ubyte or train-images-idx3-ubyte.gz");

    write("t10k-images-idx3-ubyte.gz", Arrays.copyOf(zipped.toByteArray(), zipped.size() - 12));
    assertThrows(DatasetException.class, () -> Datasets.open(directory, Split.TEST));
    write("t10k-images-idx3-ubyte.gz", new byte[100]);
    assertThrows(DatasetException.class, () -> Datasets.open(directory, Split.TEST));
  }

  @Test
  void saysWhatIsWrong() throws IOException {
    write(IMAGES, images(-1, 28, 28, new byte[3 * 28 * 28 + 5]));
    assertMessage("it is cut off in image 3 of the 4294967295 that its header states");
    write(IMAGES, images(1, 28, 28, new byte[28 * 28 + 1]));
    assertMessage("it goes on after the 1 items that its header states");
    write(IMAGES, images(1, -1, -1, new byte[9]));
    assertMessage("images of 4294967295x4294967295 pixels; they must be square, up to 1024x1024");
    write(IMAGES, images(1, 28, 30, new byte[28 * 30]));
    assertMessage("images of 30x28 pixels; they must be square, up to 1024x1024");
    write(IMAGES, labels(1, 1));
    assertMessage("no IDX file of images: its magic number is 0x00000801, not 0x00000803");
    write(IMAGES, new byte[] {0, 0, 8});
    assertMessage("it is cut off");
    write(IMAGES, images(0, 28, 28));
    assertMessage("it is empty");
    write(IMAGES, images(1, 28, 28, new byte[28 * 28]));
    write(LABELS, labels(2, 1, 2));
    assertMessage("2 labels for 1 images");
    write(LABELS, labels(3, 1, 2));
    assertMessage("it is cut off in label 2 of the 3 that its header states");
  }

  /** Any header before few bytes: a data set that fits these bytes, or a precise refusal; never much memory. */
  @Property(tries = 300)
  void anyHeaderIsReadOrRefused(@ForAll int magic, @ForAll boolean rightMagic, @ForAll int count,
      @ForAll @IntRange(min = -2, max = 12) int height, @ForAll int width, @ForAll boolean square,
      @ForAll @Size(max = 200) byte[] body) throws IOException {
    ByteBuffer file = ByteBuffer.allocate(16 + body.length);
    file.putInt(rightMagic ? 0x0803 : magic).putInt(count).putInt(height)
        .putInt(square ? height : width).put(body);
    write(IMAGES, file.array());
    assertReadOrRefused();
  }

  @Property(tries = 100)
  void aCutFileIsRefused(@ForAll @IntRange(max = 16 + 3 * 64 - 1) int length) throws IOException {
    write(IMAGES, Arrays.copyOf(images(3, 8, 8, new byte[3 * 64]), length));
    assertThrows(DatasetException.class, () -> Datasets.open(directory, Split.TRAIN));
  }

  @Property(tries = 100)
  void pixelsSurvive(@ForAll @Size(2 * 4 * 4) byte[] pixels) throws IOException {
    write(IMAGES, images(2, 4, 4, pixels));
    byte[] image = Datasets.open(directory, Split.TRAIN).pixels(1);
    for (int y = 0; y < 32; y++) {
      for (int x = 0; x < 32; x++) {
        boolean inside = x >= 14 && x < 18 && y >= 14 && y < 18;
        assertEquals(inside ? pixels[16 + (y - 14) * 4 + x - 14] : 0, image[y * 32 + x]);
      }
    }
  }

  private void assertReadOrRefused() throws IOException {
    try {
      ImageDataset data = Datasets.open(directory, Split.TRAIN);
      assertTrue(data.size() > 0 && data.size() <= 200);
    } catch (DatasetException e) {
      assertTrue(e.getMessage().startsWith(directory.toString()), e.getMessage());
    }
  }

  private void assertMessage(String expected) {
    DatasetException e = assertThrows(DatasetException.class, () -> Datasets.open(directory, Split.TRAIN));
    assertTrue(e.getMessage().endsWith(": " + expected), e.getMessage());
  }

  private void write(String name, byte[] content) throws IOException {
    Files.write(directory.resolve(name), content);
  }

  private static byte[] images(int count, int height, int width, byte... pixels) {
    return ByteBuffer.allocate(16 + pixels.length).putInt(0x0803).putInt(count).putInt(height).putInt(width)
        .put(pixels).array();
  }

  private static byte[] labels(int count, int... labels) {
    ByteBuffer file = ByteBuffer.allocate(8 + labels.length).putInt(0x0801).putInt(count);
    for (int label : labels) {
      file.put((byte) label);
    }
    return file.array();
  }
}
