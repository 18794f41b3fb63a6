package dev.lethe.trainer.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.image.ImageEncoder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImageFolderFormatTest {

  @TempDir
  private Path directory;

  @Test
  void aFolderForEachClass() throws IOException {
    write("10/a.png", grey(40));
    write("2/b.PNG", grey(20));
    write("2/deeper/a.jpeg", ImageEncoder.jpeg(new float[1024], 1, 32, 32));
    write("2/notes.txt", new byte[5]);
    write(".hidden/x.png", grey(1));

    ImageDataset data = Datasets.open(directory, Split.TRAIN);
    assertEquals(List.of("2", "10"), data.labels());
    assertEquals(3, data.size());
    assertEquals(1, data.channels());
    assertEquals(20, data.pixels(0)[0]);
    assertEquals((byte) 128, data.pixels(1)[0]);
    assertEquals(40, data.pixels(2)[0]);
    assertArrayEquals(new float[] {1, 0, 1, 0, 0, 1}, data.oneHot(0, 1, 2).data());
    assertMessage(Split.TEST, "no test split: put its images into a folder \"test\" beside \"train\"");
  }

  @Test
  void aFlatFolderIsUnlabelledAndAColouredImageMakesThreeChannels() throws IOException {
    write("a.png", grey(7));
    byte[] color = new byte[3 * 1024];
    color[2 * 1024] = 90;
    write("b.png", ImageEncoder.png(color, 3, 32, 32));
    write("c.png", grey(8));
    ImageDataset data = Datasets.open(directory, Split.TRAIN);
    assertEquals(0, data.classes());
    assertEquals(3, data.channels());
    byte[] sevens = new byte[3 * 1024];
    Arrays.fill(sevens, (byte) 7);
    assertArrayEquals(sevens, data.pixels(0));
    assertArrayEquals(color, data.pixels(1));
    assertEquals(8, data.pixels(2)[2048]);
  }

  @Test
  void splitsShareTheirClasses() throws IOException {
    write("train/cat/a.png", grey(1));
    write("train/dog/a.png", grey(2));
    write("test/dog/a.png", grey(3));
    ImageDataset test = Datasets.open(directory, Split.TEST);
    assertEquals(List.of("cat", "dog"), test.labels());
    assertEquals(1, test.size());
    assertEquals(1, test.label(0));
    assertEquals(2, Datasets.open(directory, Split.TRAIN).size());
    write("test/cow/a.png", grey(3));
    assertMessage(Split.TEST, "the train split has no such class; its classes are [cat, dog]");
  }

  @Test
  void aZipOfAFolder() throws IOException {
    Path zip = directory.resolve("images.zip");
    try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(zip))) {
      for (String entry : List.of("set/", "set/b/x.png", "set/a/x.png", "__MACOSX/set/a/._x.png")) {
        out.putNextEntry(new ZipEntry(entry));
        if (!entry.endsWith("/")) {
          out.write(grey(entry.charAt(4)));
        }
        out.closeEntry();
      }
    }
    ImageDataset data = Datasets.open(zip, Split.TRAIN);
    assertEquals(List.of("a", "b"), data.labels());
    assertEquals((byte) 'a', data.pixels(0)[0]);
    assertEquals((byte) 'b', data.pixels(1)[0]);

    Files.write(zip, Arrays.copyOf(Files.readAllBytes(zip), 200));
    DatasetException e = assertThrows(DatasetException.class, () -> Datasets.open(zip, Split.TRAIN));
    assertTrue(e.getMessage().startsWith(zip + ": it is no zip file, or a damaged one"), e.getMessage());
  }

  @Test
  void aZipEntryThatInflatesWithoutEndIsCutShort() throws IOException {
    Path zip = directory.resolve("bomb.zip");
    try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(zip))) {
      out.putNextEntry(new ZipEntry("a.png"));
      out.write(grey(1));
      byte[] zeros = new byte[1 << 20];
      for (int i = 0; i < 64; i++) {
        out.write(zeros);
      }
      out.closeEntry();
    }
    DatasetException e = assertThrows(DatasetException.class, () -> Datasets.open(zip, Split.TRAIN));
    assertTrue(e.getMessage().contains("at most 9437184 are read"), e.getMessage());
  }

  @Test
  void saysWhatIsWrong() throws IOException {
    write("a/x.png", ImageEncoder.png(new byte[28 * 28], 1, 28, 28));
    assertMessage(Split.TRAIN, "images of 28x28 pixels; the size must be a power of two from 32 to 1024");
    write("a/x.png", ImageEncoder.png(new byte[32 * 64], 1, 32, 64));
    assertMessage(Split.TRAIN, "the image is 64x32 pixels; images must be square");
    write("a/x.png", grey(1));
    write("a/y.png", ImageEncoder.png(new byte[64 * 64], 1, 64, 64));
    assertMessage(Split.TRAIN, "the image is 64x64 pixels; it must be exactly 32x32");
    write("a/y.png", new byte[5]);
    assertMessage(Split.TRAIN, "the 5 bytes are neither a PNG nor a JPEG or WebP image");
    write("a/y.png", grey(1));
    write("b/notes.txt", new byte[5]);
    assertMessage(Split.TRAIN, "no PNG or JPEG images in it");
    write("loose.png", grey(1));
    assertMessage(Split.TRAIN, "images both beside folders (loose.png) and in folders (a); put all into folders, "
        + "one a class, or none");
  }

  private void assertMessage(Split split, String expected) {
    DatasetException e = assertThrows(DatasetException.class, () -> Datasets.open(directory, split));
    assertTrue(e.getMessage().endsWith(": " + expected), e.getMessage());
  }

  private void write(String name, byte[] content) throws IOException {
    Path file = directory.resolve(name);
    Files.createDirectories(file.getParent());
    Files.write(file, content);
  }

  private static byte[] grey(int value) {
    byte[] pixels = new byte[1024];
    Arrays.fill(pixels, (byte) value);
    return ImageEncoder.png(pixels, 1, 32, 32);
  }
}
