package dev.lethe.client.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.v1.ImageFormat;
import dev.lethe.v1.LabelledImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImageFilesTest {

  @TempDir
  private Path folder;

  private Path put(String name) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    return Files.writeString(file, name);
  }

  /** Every file holds its own name, so that contents show the order. */
  private static List<String> contents(List<LabelledImage> images) {
    return images.stream().map(image -> image.getImage().getData().toStringUtf8()).toList();
  }

  private static List<String> labels(List<LabelledImage> images) {
    return images.stream().map(LabelledImage::getLabel).toList();
  }

  @Test
  void subFoldersAreLabels() throws IOException {
    put("set/7/b.PNG");
    put("set/7/a.jpeg");
    put("set/3/c.jpg");
    put("set/top.png");
    put("set/notes.txt");
    put("set/7/._a.png");
    put("set/.trash/x.png");
    List<LabelledImage> images = new ImageFiles(Optional.empty()).read(List.of(folder.resolve("set")));
    assertEquals(List.of("set/3/c.jpg", "set/7/a.jpeg", "set/7/b.PNG", "set/top.png"), contents(images));
    assertEquals(List.of("3", "7", "7", ""), labels(images));
    assertEquals(ImageFormat.IMAGE_FORMAT_JPEG, images.get(1).getImage().getFormat());
    assertEquals(ImageFormat.IMAGE_FORMAT_PNG, images.get(2).getImage().getFormat());
  }

  @Test
  void aGivenLabelComesFirst() throws IOException {
    put("set/7/a.png");
    Path single = put("b.png");
    List<LabelledImage> images =
        new ImageFiles(Optional.of("5")).read(List.of(folder.resolve("set"), single));
    assertEquals(List.of("5", "5"), labels(images));
  }

  @Test
  void zipFilesAreReadAsFolders() throws IOException {
    Path zip = folder.resolve("images.zip");
    try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(zip))) {
      for (String name : List.of("digits/9/x.png", "__MACOSX/digits/9/x.png", "digits/2/y.png")) {
        out.putNextEntry(new ZipEntry(name));
        out.write(name.getBytes());
      }
    }
    List<LabelledImage> images = new ImageFiles(Optional.empty()).read(List.of(zip));
    assertEquals(List.of("digits/2/y.png", "digits/9/x.png"), contents(images));
    assertEquals(List.of("2", "9"), labels(images));
  }

  @Test
  void whatIsMissingOrNoImageIsNamed() throws IOException {
    ImageFiles files = new ImageFiles(Optional.empty());
    assertThrows(NoSuchFileException.class, () -> files.read(List.of(folder.resolve("none.png"))));
    Path text = put("notes.txt");
    assertTrue(assertThrows(IOException.class, () -> files.read(List.of(text))).getMessage().contains("notes.txt"));
    Path empty = Files.createDirectory(folder.resolve("empty"));
    assertTrue(assertThrows(IOException.class, () -> files.read(List.of(empty))).getMessage().contains("holds no"));
  }
}
