package dev.lethe.client.image;

import com.google.protobuf.ByteString;
import dev.lethe.v1.Image;
import dev.lethe.v1.ImageFormat;
import dev.lethe.v1.LabelledImage;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Reads images to upload: PNG and JPEG files, folders of them and zip files of them. In a folder or a zip file the name
 * of the sub-folder that an image lies in is its label, an image beside the sub-folders has none.
 */
public final class ImageFiles {

  /** Larger than any picture of 1024 x 1024 pixels; a file above it is a mistake. */
  private static final long MAX_FILE_BYTES = 32L << 20;

  private final Optional<String> label;

  /** @param label of every image, instead of the names of sub-folders */
  public ImageFiles(Optional<String> label) {
    this.label = label;
  }

  /**
   * @return the images, those of one folder or zip file in order of their paths
   * @throws IOException if a path cannot be read, or holds no image
   */
  public List<LabelledImage> read(Collection<Path> paths) throws IOException {
    List<LabelledImage> images = new ArrayList<>();
    for (Path path : paths) {
      if (Files.isDirectory(path)) {
        addFolder(images, path, path);
      } else if (!Files.exists(path)) {
        throw new NoSuchFileException(path.toString());
      } else if (path.toString().toLowerCase(Locale.ROOT).endsWith(".zip")) {
        try (FileSystem zip = FileSystems.newFileSystem(path)) {
          addFolder(images, zip.getRootDirectories().iterator().next(), path);
        }
      } else if (format(path) == ImageFormat.IMAGE_FORMAT_UNSPECIFIED) {
        throw new IOException(path + " is not named .png, .jpg, .jpeg or .zip");
      } else {
        images.add(image(path, label.orElse("")));
      }
    }
    return images;
  }

  private void addFolder(List<LabelledImage> images, Path folder, Path named) throws IOException {
    List<Path> files;
    try (Stream<Path> walk = Files.walk(folder)) {
      files = walk.filter(Files::isRegularFile).filter(file -> !hidden(folder.relativize(file)))
          .filter(file -> format(file) != ImageFormat.IMAGE_FORMAT_UNSPECIFIED).sorted().toList();
    }
    if (files.isEmpty()) {
      throw new IOException(named + " holds no .png, .jpg or .jpeg file");
    }
    for (Path file : files) {
      Path inside = folder.relativize(file).getParent();
      images.add(image(file, label.orElse(inside == null ? "" : inside.getFileName().toString())));
    }
  }

  /** What file managers leave behind: dot files, and the __MACOSX folder of zip files made on macOS. */
  private static boolean hidden(Path relative) {
    for (Path name : relative) {
      if (name.toString().startsWith(".") || name.toString().equals("__MACOSX")) {
        return true;
      }
    }
    return false;
  }

  private static LabelledImage image(Path file, String label) throws IOException {
    byte[] data;
    try (InputStream in = Files.newInputStream(file)) {
      data = in.readNBytes((int) MAX_FILE_BYTES + 1);
    }
    if (data.length > MAX_FILE_BYTES) {
      throw new IOException(file + " is larger than " + (MAX_FILE_BYTES >> 20) + " MiB");
    }
    return LabelledImage.newBuilder()
        .setImage(Image.newBuilder().setFormat(format(file)).setData(ByteString.copyFrom(data)))
        .setLabel(label)
        .build();
  }

  private static ImageFormat format(Path file) {
    String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
    if (name.endsWith(".png")) {
      return ImageFormat.IMAGE_FORMAT_PNG;
    }
    return name.endsWith(".jpg") || name.endsWith(".jpeg")
        ? ImageFormat.IMAGE_FORMAT_JPEG : ImageFormat.IMAGE_FORMAT_UNSPECIFIED;
  }
}
