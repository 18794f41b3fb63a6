package dev.lethe.trainer.data;

import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.zip.ZipError;
import java.util.zip.ZipException;

/**
 * PNG and JPEG images in a directory or a zip. A folder for each class, whose name is the label; or all images in one
 * folder, unlabelled. When the top holds nothing but folders {@code train} and {@code test}, these are the splits; else
 * all of it is the train split. Classes and images are in the order of their names, classes that are numbers in the
 * order of the numbers. Other files, and all whose name begins with a dot, are passed over.
 */
final class ImageFolderFormat implements DatasetFormat {

  private static final Set<String> SPLITS = Set.of(Split.TRAIN.toString(), Split.TEST.toString());
  private static final Comparator<String> NUMBERS_BY_VALUE =
      Comparator.<String>comparingInt(name -> name.matches("\\d+") ? name.length() : Integer.MAX_VALUE)
          .thenComparing(Comparator.naturalOrder());

  @Override
  public boolean recognises(Path path) throws IOException {
    if (!Files.isDirectory(path)) {
      return isZip(path);
    }
    try (Stream<Path> tree = Files.walk(path)) {
      return tree.anyMatch(ImageFolderFormat::isImage);
    }
  }

  @Override
  public ImageDataset read(Path path, Split split) throws IOException {
    if (!isZip(path)) {
      return readTree(path, split);
    }
    // Entries are read through the zip's own file system and never unpacked, so their names can reach nothing.
    try (FileSystem zip = FileSystems.newFileSystem(path)) {
      return readTree(zip.getPath("/"), split);
    } catch (ZipException | ZipError e) {
      throw new DatasetException(path, "it is no zip file, or a damaged one: " + e.getMessage(), e);
    }
  }

  @Override
  public String description() {
    return "PNG or JPEG images in folders or a .zip";
  }

  private static boolean isZip(Path path) {
    return Files.isRegularFile(path) && path.toString().toLowerCase(Locale.ROOT).endsWith(".zip");
  }

  private static ImageDataset readTree(Path top, Split split) throws IOException {
    Path root = withoutWrappers(top);
    List<String> folders = names(folders(root));
    boolean splits = !folders.isEmpty() && SPLITS.containsAll(folders);
    if (splits ? !folders.contains(split.toString()) : split == Split.TEST) {
      throw new MissingSplitException(root, split, "put its images into a folder \"" + split
          + "\" beside \"" + (split == Split.TRAIN ? Split.TEST : Split.TRAIN) + "\"");
    }
    if (!splits) {
      return readSplit(root, names(classFolders(root)));
    }
    // The classes are those of the train split, so that both splits number them alike.
    Path train = root.resolve(Split.TRAIN.toString());
    List<String> labels =
        names(classFolders(Files.isDirectory(train) ? train : root.resolve(Split.TEST.toString())));
    return readSplit(root.resolve(split.toString()), labels);
  }

  private static ImageDataset readSplit(Path root, List<String> labels) throws IOException {
    List<Path> classFolders = classFolders(root);
    if (classFolders.isEmpty() != labels.isEmpty()) {
      throw new DatasetException(root, "one split has a folder for each class, the other has not");
    }
    PixelCollector pixels = new PixelCollector();
    if (classFolders.isEmpty()) {
      pixels.addAll(root, images(root));
      return pixels.dataset(List.of(), null);
    }
    IntStream.Builder classes = IntStream.builder();
    for (Path folder : classFolders) {
      int label = labels.indexOf(name(folder));
      if (label < 0) {
        throw new DatasetException(folder, "the train split has no such class; its classes are " + labels);
      }
      List<Path> images = images(folder);
      pixels.addAll(folder, images);
      images.forEach(image -> classes.add(label));
    }
    return pixels.dataset(labels, classes.build().toArray());
  }

  /** The folders that are classes; none when the images lie in {@code root} itself. */
  private static List<Path> classFolders(Path root) throws IOException {
    List<Path> folders = folders(root);
    List<Path> loose = visible(root, ImageFolderFormat::isImage);
    if (!folders.isEmpty() && !loose.isEmpty()) {
      throw new DatasetException(root, "images both beside folders (" + name(loose.get(0)) + ") and in folders ("
          + name(folders.get(0)) + "); put all into folders, one a class, or none");
    }
    return folders;
  }

  /** Steps into folders that hold nothing but one folder, as zips of a folder have them. */
  private static Path withoutWrappers(Path top) throws IOException {
    Path root = top;
    List<Path> folders = folders(root);
    while (folders.size() == 1 && visible(root, ImageFolderFormat::isImage).isEmpty()
        && !SPLITS.contains(name(folders.get(0)))) {
      root = folders.get(0);
      folders = folders(root);
    }
    return root;
  }

  private static List<Path> folders(Path root) throws IOException {
    return visible(root, Files::isDirectory);
  }

  private static List<Path> visible(Path root, Predicate<Path> which) throws IOException {
    try (Stream<Path> children = Files.list(root)) {
      return children.filter(child -> isVisible(child.getFileName()) && which.test(child))
          .sorted(Comparator.comparing(ImageFolderFormat::name, NUMBERS_BY_VALUE)).toList();
    }
  }

  /** All images at or under a folder, by name. */
  private static List<Path> images(Path folder) throws IOException {
    try (Stream<Path> tree = Files.walk(folder)) {
      return tree.filter(file -> isVisible(folder.relativize(file)) && isImage(file))
          .sorted(Comparator.comparing(Path::toString)).toList();
    }
  }

  private static boolean isVisible(Path relative) {
    for (Path part : relative) {
      if (part.toString().startsWith(".") || name(part).equals("__MACOSX")) {
        return false;
      }
    }
    return true;
  }

  private static boolean isImage(Path path) {
    return name(path).toLowerCase(Locale.ROOT).matches(".*\\.(png|jpe?g)") && Files.isRegularFile(path);
  }

  private static List<String> names(List<Path> paths) {
    return paths.stream().map(ImageFolderFormat::name).toList();
  }

  /** The last name of a path; zip file systems of some releases end folders with a slash. */
  private static String name(Path path) {
    Path name = path.getFileName();
    return name == null ? "" : name.toString().replace("/", "");
  }
}
