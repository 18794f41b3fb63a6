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
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class ImageFilesTest {

  @TempDir
  private Path folder;

  private static final Map<String, String> MAGIC =
      Map.of("png", "\u0089PNG\r\n\u001a\n", "jpg", "\u00ff\u00d8\u00ff", "txt", "");

  private Path put(String name) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    return Files.writeString(file, MAGIC.get(name.endsWith(".txt") ? "txt" : name.matches(".*jpe?g") ? "jpg" : "png") + name,
        StandardCharsets.ISO_8859_1);
  }

  /** Every file holds its own name behind its format's first bytes, so that contents show the order. */
  private static List<String> contents(List<LabelledImage> images) {
    return images.stream().map(image -> image.getImage().getData().toString(StandardCharsets.ISO_8859_1)
        .replaceFirst("^(\u0089PNG\r\n\u001a\n|\u00ff\u00d8\u00ff)", "")).toList();
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
        out.write((MAGIC.get("png") + name).getBytes(StandardCharsets.ISO_8859_1));
      }
    }
    List<LabelledImage> images = new ImageFiles(Optional.empty()).read(List.of(zip));
    assertEquals(List.of("digits/2/y.png", "digits/9/x.png"), contents(images));
    assertEquals(List.of("2", "9"), labels(images));
  }

  @Test
  void strangersRefuseTheFolderUnlessTheyAreLeftOut() throws IOException {
    put("set/a.png");
    put("set/notes.txt");
    Files.write(folder.resolve("set/b.jpg"), "GIF89a".getBytes(StandardCharsets.US_ASCII));
    Files.write(folder.resolve("set/c.jpg"), "....ftypheic".getBytes(StandardCharsets.US_ASCII));
    Files.createSymbolicLink(folder.resolve("set/d.png"), put("elsewhere.png"));
    Files.createSymbolicLink(folder.resolve("set/e.png"), folder.resolve("set/a.png"));
    Files.copy(folder.resolve("set/a.png"), folder.resolve("set/photo"));
    String message = assertThrows(IOException.class,
        () -> new ImageFiles(Optional.empty()).read(List.of(folder.resolve("set")))).getMessage();
    for (String stranger : List.of("notes.txt (no PNG", "b.jpg (a GIF", "c.jpg (a HEIC", "d.png (a link", "--skip-unreadable")) {
      assertTrue(message.contains(stranger), message);
    }
    List<String> told = new ArrayList<>();
    List<LabelledImage> images =
        new ImageFiles(Optional.empty(), Optional.of(told::add)).read(List.of(folder.resolve("set")));
    assertEquals(List.of("a.png", "e.png", "photo"), images.stream().map(LabelledImage::getName).toList());
    assertEquals(4, told.size(), told.toString());
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

  private static String refusal(Path path) {
    return assertThrows(IOException.class, () -> new ImageFiles(Optional.empty()).read(List.of(path)), path::toString)
        .getMessage();
  }

  @Test
  void zipFilesThatCannotBeReadAreNamed() throws IOException {
    Path none = folder.resolve("none.zip");
    Files.writeString(none, "no zip file at all, but some text");
    assertEquals(none + " is no zip file, or not all of one", refusal(none));
    Path large = folder.resolve("LARGE.ZIP");
    Files.copy(none, large);
    assertEquals(large + " is no zip file that can be read, or not all of one", refusal(large));
    Path climbing = folder.resolve("climbing.zip");
    Path damaged = folder.resolve("damaged.zip");
    for (Path zip : List.of(climbing, damaged)) {
      try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(zip))) {
        out.putNextEntry(new ZipEntry(zip == climbing ? "../a.png" : "7/a.png"));
        out.write(Files.readAllBytes(put("a.png")));
      }
    }
    assertTrue(refusal(climbing).startsWith(climbing + " is a zip file that is not taken: entry \"/../a.png\""),
        refusal(climbing));
    byte[] bytes = Files.readAllBytes(damaged);
    Arrays.fill(bytes, 40, 60, (byte) 0x55);
    Files.write(damaged, bytes);
    assertTrue(refusal(damaged).contains("damaged.zip"), refusal(damaged));
  }

  /** Reading a pipe that nobody writes to would never end. */
  @Test
  @Timeout(20)
  void onlyRegularFilesAreRead() throws Exception {
    Path set = folder.resolve("set");
    put("set/a.png");
    Path pipe = set.resolve("b.png");
    assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
    String words = "no regular file, but a pipe, a socket or a device";
    assertEquals(pipe + " is " + words + "; name files, folders or zip files", refusal(pipe));
    assertTrue(refusal(set).contains("b.png (" + words + ")"), refusal(set));
    Path zip = folder.resolve("b.zip");
    Files.createSymbolicLink(zip, pipe);
    assertTrue(refusal(zip).startsWith(zip + " is " + words), refusal(zip));
    Files.createSymbolicLink(set.resolve("c.png"), folder.resolve("nowhere"));
    assertTrue(refusal(set).contains("c.png (a link that leads nowhere)"), refusal(set));
  }
}
