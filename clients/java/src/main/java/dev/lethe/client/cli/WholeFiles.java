package dev.lethe.client.cli;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Files that come to a folder together: until {@link #publish} they lie in a folder of their own beside their places, so
 * that what fails before leaves none of them, nor the folder if it was not there. That holds if the program is told to
 * end, too (SIGINT, SIGTERM, SIGHUP); what it leaves behind if it is killed the next one in the folder removes.
 */
final class WholeFiles implements AutoCloseable {

  private static final String PREFIX = ".lethe-";
  /** In a folder of files that are not whole: locked for as long as the process lives that writes them. */
  private static final String LOCK = ".lock";
  /** Those of this process, which ends them when it is told to end. */
  private static final Set<WholeFiles> OPEN = ConcurrentHashMap.newKeySet();

  static {
    Runtime.getRuntime().addShutdownHook(new Thread(() -> OPEN.forEach(WholeFiles::abandon), "unfinished files"));
  }

  private final Path folder;
  private final Path staging;
  /** Folders that were not there, the innermost first. */
  private final Deque<Path> made;
  private final Set<String> names = new LinkedHashSet<>();
  private final Optional<FileChannel> lock;
  // These two, and all files, under this object's lock: the process may be told to end at any time.
  private boolean published;
  private boolean over;

  private WholeFiles(Path folder, Path staging, Deque<Path> made) {
    this.folder = folder;
    this.staging = staging;
    this.made = made;
    this.lock = lock(staging);
    OPEN.add(this);
  }

  /** Empty where the file system has no locks: then nobody removes what is left behind. */
  private static Optional<FileChannel> lock(Path staging) {
    Path file = staging.resolve(LOCK);
    try {
      // Not under its name before it is locked.
      Path unlocked = staging.resolve(LOCK + "ed");
      FileChannel channel = FileChannel.open(unlocked, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
      try {
        if (channel.tryLock() != null) {
          Files.move(unlocked, file);
          return Optional.of(channel);
        }
      } catch (IOException e) {
        Files.deleteIfExists(unlocked);
      }
      channel.close();
      return Optional.empty();
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /**
   * @param folder made if it is not there
   * @throws IOException if nothing can be written there
   */
  static WholeFiles in(Path folder) throws IOException {
    return in(folder, folder);
  }

  /** @param named what the user called it */
  private static WholeFiles in(Path folder, Path named) throws IOException {
    Deque<Path> made = new ArrayDeque<>();
    for (Path path = folder.toAbsolutePath(); path != null && !Files.exists(path); path = path.getParent()) {
      made.addLast(path);
    }
    try {
      Files.createDirectories(folder);
      removeLeftOvers(folder);
      return new WholeFiles(folder, Files.createTempDirectory(folder, PREFIX), made);
    } catch (IOException e) {
      remove(made);
      throw about(named, e);
    }
  }

  /**
   * A single one.
   *
   * @param file in a folder that is made if it is not there
   */
  static WholeFiles of(Path file) throws IOException {
    return in(file.toAbsolutePath().getParent(), file);
  }

  /** Before hours of work: whether files can be written to a folder. Leaves nothing there. */
  static void check(Path folder, String... names) throws IOException {
    try (WholeFiles files = in(folder)) {
      for (String name : names) {
        files.placeOf(name);
      }
    }
  }

  /** What processes have left behind that were killed. */
  private static void removeLeftOvers(Path folder) {
    try (DirectoryStream<Path> found = Files.newDirectoryStream(folder, PREFIX + "*")) {
      for (Path left : found) {
        if (Files.isRegularFile(left.resolve(LOCK), LinkOption.NOFOLLOW_LINKS) && !isOpen(left)) {
          removeLeftOver(left);
        }
      }
    } catch (IOException e) {
      // They are in nobody's way, and the folder may hold files of others.
    }
  }

  /** Asked first: closing a file may give up a lock on it of this process. */
  private static boolean isOpen(Path staging) throws IOException {
    for (WholeFiles open : OPEN) {
      if (Files.isDirectory(open.staging) && Files.isSameFile(open.staging, staging)) {
        return true;
      }
    }
    return false;
  }

  private static void removeLeftOver(Path staging) throws IOException {
    try (FileChannel channel = FileChannel.open(staging.resolve(LOCK), StandardOpenOption.WRITE);
        FileLock ended = channel.tryLock()) {
      if (ended != null) {
        removeAll(staging);
      }
    }
  }

  private static void removeAll(Path staging) throws IOException {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(staging)) {
      for (Path file : files) {
        Files.delete(file);
      }
    }
    Files.delete(staging);
  }

  /**
   * @param name of a file; the same name again has the later content
   * @return where it comes to
   */
  synchronized Path add(String name, byte[] content) throws IOException {
    Path place = placeOf(name);
    try {
      Files.write(unfinished(name), content);
    } catch (IOException e) {
      throw about(place, e);
    }
    return place;
  }

  /** Where a file is to be written that comes to its place with the others. */
  synchronized Path unfinished(String name) throws IOException {
    checkOpen();
    placeOf(name);
    names.add(name);
    return staging.resolve(name);
  }

  private void checkOpen() throws IOException {
    if (over) {
      throw new IOException("told to end before all files were there: none is written");
    }
  }

  private Path placeOf(String name) throws IOException {
    Path place = folder.resolve(name);
    if (Files.isDirectory(place)) {
      throw new FileSystemException(place.toString(), null, "is a folder, and a file of that name is to be written");
    }
    return place;
  }

  /** Moves all files to their places; files of their names are replaced. */
  synchronized void publish() throws IOException {
    checkOpen();
    published = true;
    for (String name : names) {
      try {
        Files.move(staging.resolve(name), folder.resolve(name), StandardCopyOption.REPLACE_EXISTING);
      } catch (IOException e) {
        throw about(folder.resolve(name), e);
      }
    }
  }

  @Override
  public synchronized void close() throws IOException {
    OPEN.remove(this);
    if (over) {
      return;
    }
    over = true;
    removeAll(staging);
    if (lock.isPresent()) {
      lock.get().close();
    }
    if (!published) {
      remove(made);
    }
  }

  private void abandon() {
    try {
      close();
    } catch (IOException e) {
      // The next process in the folder removes them.
    }
  }

  private static void remove(Deque<Path> made) throws IOException {
    for (Path path : made) {
      Files.deleteIfExists(path);
    }
  }

  /** The same of the file that the user knows; Java says of some, such as a full disk, not even where they are. */
  private static IOException about(Path named, IOException e) {
    if (e instanceof AccessDeniedException) {
      return new AccessDeniedException(named.toString());
    }
    String reason = e instanceof FileSystemException file ? file.getReason() : e.getMessage();
    FileSystemException told = new FileSystemException(named.toString(), null,
        reason == null ? "cannot be written; no file can be made there" : reason);
    told.initCause(e);
    return told;
  }
}
