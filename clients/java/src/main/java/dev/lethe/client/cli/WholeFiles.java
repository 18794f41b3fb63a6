package dev.lethe.client.cli;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * Files that come to a folder together: until {@link #publish} they lie in a folder of their own beside their places, so
 * that what fails before leaves none of them, nor the folder if it was not there.
 */
final class WholeFiles implements AutoCloseable {

  private final Path folder;
  private final Path staging;
  /** Folders that were not there, the innermost first. */
  private final Deque<Path> made;
  private final Set<String> names = new LinkedHashSet<>();
  private boolean published;

  private WholeFiles(Path folder, Path staging, Deque<Path> made) {
    this.folder = folder;
    this.staging = staging;
    this.made = made;
  }

  /**
   * @param folder made if it is not there
   * @throws IOException if nothing can be written there
   */
  static WholeFiles in(Path folder) throws IOException {
    Deque<Path> made = new ArrayDeque<>();
    for (Path path = folder.toAbsolutePath(); path != null && !Files.exists(path); path = path.getParent()) {
      made.addLast(path);
    }
    try {
      Files.createDirectories(folder);
      return new WholeFiles(folder, Files.createTempDirectory(folder, ".lethe-"), made);
    } catch (IOException e) {
      remove(made);
      throw e;
    }
  }

  /** Before hours of work: whether files can be written to a folder. Leaves nothing there. */
  static void check(Path folder, String... names) throws IOException {
    try (WholeFiles files = in(folder)) {
      for (String name : names) {
        files.placeOf(name);
      }
    }
  }

  /**
   * @param name of a file; the same name again has the later content
   * @return where it comes to
   */
  Path add(String name, byte[] content) throws IOException {
    Path place = placeOf(name);
    names.add(name);
    try {
      Files.write(staging.resolve(name), content);
    } catch (FileSystemException e) {
      throw e;
    } catch (IOException e) {
      // Such as a full disk, of which Java does not say where it is.
      throw new FileSystemException(place.toString(), null, e.getMessage());
    }
    return place;
  }

  private Path placeOf(String name) throws IOException {
    Path place = folder.resolve(name);
    if (Files.isDirectory(place)) {
      throw new FileSystemException(place.toString(), null, "is a folder, and a file of that name is to be written");
    }
    return place;
  }

  /** Moves all files to their places; files of their names are replaced. */
  void publish() throws IOException {
    published = true;
    for (String name : names) {
      Files.move(staging.resolve(name), folder.resolve(name), StandardCopyOption.REPLACE_EXISTING);
    }
  }

  @Override
  public void close() throws IOException {
    for (String name : names) {
      Files.deleteIfExists(staging.resolve(name));
    }
    Files.delete(staging);
    if (!published) {
      remove(made);
    }
  }

  private static void remove(Deque<Path> made) throws IOException {
    for (Path path : made) {
      Files.deleteIfExists(path);
    }
  }
}
