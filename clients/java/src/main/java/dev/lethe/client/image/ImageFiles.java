package dev.lethe.client.image;

import com.google.protobuf.ByteString;
import dev.lethe.v1.Image;
import dev.lethe.v1.ImageFormat;
import dev.lethe.v1.LabelledImage;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.ProviderNotFoundException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * Reads images to upload: PNG, JPEG and WebP files, known by their contents; folders of them and zip files of them. In a
 * folder or a zip file the name of the sub-folder that an image lies in is its label, an image beside the sub-folders has
 * none. What a folder holds that is no such image is told, or refused.
 */
public final class ImageFiles {

  /** The server reads no larger ones. */
  private static final int MAX_FILE_BYTES = 31 << 20;
  /** Files that an error lists; it counts the rest. */
  private static final int LISTED = 20;
  private static final String NO_FILE = "no regular file, but a pipe, a socket or a device";
  /** What file managers leave behind. */
  private static final Set<String> LITTER = Set.of("thumbs.db", "desktop.ini", "__macosx");

  private final Optional<String> label;
  private final Optional<Consumer<String>> leftOut;

  /** @param label of every image, instead of the names of sub-folders */
  public ImageFiles(Optional<String> label) {
    this(label, Optional.empty());
  }

  /**
   * @param label of every image, instead of the names of sub-folders
   * @param leftOut told of each file of a folder that is left out, and why; empty: such files are refused
   */
  public ImageFiles(Optional<String> label, Optional<Consumer<String>> leftOut) {
    this.label = label;
    this.leftOut = leftOut;
  }

  /**
   * @return the images, those of one folder or zip file in order of their paths
   * @throws IOException if a path cannot be read, or holds no image, or other files that are not to be left out
   */
  public List<LabelledImage> read(Collection<Path> paths) throws IOException {
    List<LabelledImage> images = new ArrayList<>();
    for (Path path : paths) {
      if (Files.isDirectory(path)) {
        addFolder(images, path, path);
      } else if (!Files.exists(path)) {
        throw new NoSuchFileException(path.toString());
      } else if (!Files.isRegularFile(path)) {
        // Reading a pipe might never end.
        throw new IOException(path + " is " + NO_FILE + "; name files, folders or zip files");
      } else if (path.toString().toLowerCase(Locale.ROOT).endsWith(".zip")) {
        try (FileSystem zip = open(path)) {
          addFolder(images, zip.getRootDirectories().iterator().next(), path);
        }
      } else {
        byte[] data = contents(path, path.toString());
        Optional<String> wrong = wrong(data);
        if (wrong.isPresent()) {
          throw new IOException(path + " is " + wrong.get());
        }
        images.add(image(data, path.toString(), label.orElse("")));
      }
    }
    return images;
  }

  private void addFolder(List<LabelledImage> images, Path folder, Path named) throws IOException {
    List<Path> files;
    // Links are not followed: one may lead to any file of the machine.
    try (Stream<Path> walk = Files.walk(folder)) {
      files = walk.filter(file -> !Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS))
          .filter(file -> !hidden(folder.relativize(file))).sorted().toList();
    }
    List<String> others = new ArrayList<>();
    int before = images.size();
    for (Path file : files) {
      Path relative = folder.relativize(file);
      Optional<String> elsewhere = elsewhere(file, folder);
      if (elsewhere.isPresent()) {
        others.add(relative + " (" + elsewhere.get() + ")");
        continue;
      }
      byte[] data = contents(file, named + ": " + relative);
      Optional<String> wrong = wrong(data);
      if (wrong.isPresent()) {
        others.add(relative + " (" + wrong.get() + ")");
        continue;
      }
      Path parent = relative.getParent();
      images.add(image(data, relative.toString(), label.orElse(parent == null ? "" : parent.getFileName().toString())));
    }
    if (!others.isEmpty() && leftOut.isEmpty()) {
      throw new IOException(named + " holds files that are not taken: "
          + String.join(", ", others.subList(0, Math.min(LISTED, others.size())))
          + (others.size() > LISTED ? " and " + (others.size() - LISTED) + " more" : "")
          + "; take them out, or leave them out with --skip-unreadable");
    }
    leftOut.ifPresent(told -> others.forEach(other -> told.accept(named + ": left out " + other)));
    if (images.size() == before) {
      throw new IOException(named + " holds no PNG, JPEG or WebP file");
    }
  }

  /** Why a file of a folder is not read; empty if it is. */
  private static Optional<String> elsewhere(Path file, Path folder) throws IOException {
    if (!Files.isSymbolicLink(file)) {
      return Files.isRegularFile(file) ? Optional.empty() : Optional.of(NO_FILE);
    }
    if (!Files.exists(file)) {
      return Optional.of("a link that leads nowhere");
    }
    if (!file.toRealPath().startsWith(folder.toRealPath()) || Files.isDirectory(file)) {
      return Optional.of("a link that leads out of the folder, or to a folder");
    }
    return Files.isRegularFile(file) ? Optional.empty() : Optional.of("a link to " + NO_FILE);
  }

  private static FileSystem open(Path zip) throws IOException {
    try {
      return FileSystems.newFileSystem(zip, (ClassLoader) null);
    } catch (FileSystemException e) {
      throw e;
    } catch (ProviderNotFoundException e) {
      // Of a file that is not called .zip in small letters Java does not say what is wrong.
      throw new IOException(zip + " is no zip file that can be read, or not all of one", e);
    } catch (IOException e) {
      // Java's words do not name the file.
      String why = String.valueOf(e.getMessage());
      throw new IOException(zip + (why.contains("END header") ? " is no zip file, or not all of one"
          : " is a zip file that is not taken: " + why.replaceFirst("^ZIP file can't be opened as a file system because ",
              "")), e);
    }
  }

  /** Dot files, and what file managers leave behind. */
  private static boolean hidden(Path relative) {
    for (Path name : relative) {
      if (name.toString().startsWith(".") || LITTER.contains(name.toString().toLowerCase(Locale.ROOT))) {
        return true;
      }
    }
    return false;
  }

  private static byte[] contents(Path file, String named) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      return in.readNBytes(MAX_FILE_BYTES + 1);
    } catch (FileSystemException e) {
      throw e;
    } catch (IOException e) {
      // Of a damaged entry of a zip file, or a disk that fails.
      throw new IOException(named + " cannot be read: " + e.getMessage(), e);
    }
  }

  /** Why a file is not taken; empty if it is. */
  private static Optional<String> wrong(byte[] data) {
    if (data.length > MAX_FILE_BYTES) {
      return Optional.of("larger than " + (MAX_FILE_BYTES >> 20) + " MiB");
    }
    if (data.length == 0) {
      return Optional.of("empty");
    }
    if (format(data) != ImageFormat.IMAGE_FORMAT_UNSPECIFIED || isWebp(data)) {
      return Optional.empty();
    }
    String start = new String(data, 0, Math.min(12, data.length), StandardCharsets.ISO_8859_1);
    if (start.startsWith("GIF8")) {
      return Optional.of("a GIF image; save it as PNG, JPEG or WebP");
    }
    if (start.startsWith("ftyp", 4)) {
      return Optional.of(start.startsWith("he", 8) || start.startsWith("mif", 8)
          ? "a HEIC image, which is not read here; make a JPEG file of it: 'heif-convert a.heic a.jpg' of libheif, 'sips -s "
              + "format jpeg a.heic --out a.jpg' on a Mac, or on the phone Settings > Camera > Formats > Most Compatible"
          : "an AVIF image or a video; save it as JPEG or PNG");
    }
    return Optional.of("no PNG, JPEG or WebP image");
  }

  private static LabelledImage image(byte[] data, String name, String label) {
    return LabelledImage.newBuilder()
        .setImage(Image.newBuilder().setFormat(format(data)).setData(ByteString.copyFrom(data)))
        .setLabel(label)
        .setName(name)
        .build();
  }

  private static ImageFormat format(byte[] data) {
    if (data.length > 8 && data[0] == (byte) 0x89 && data[1] == 'P' && data[2] == 'N' && data[3] == 'G') {
      return ImageFormat.IMAGE_FORMAT_PNG;
    }
    return data.length > 3 && data[0] == (byte) 0xff && data[1] == (byte) 0xd8 && data[2] == (byte) 0xff
        ? ImageFormat.IMAGE_FORMAT_JPEG : ImageFormat.IMAGE_FORMAT_UNSPECIFIED;
  }

  private static boolean isWebp(byte[] data) {
    String start = new String(data, 0, Math.min(12, data.length), StandardCharsets.ISO_8859_1);
    return start.startsWith("RIFF") && start.startsWith("WEBP", 8);
  }
}
