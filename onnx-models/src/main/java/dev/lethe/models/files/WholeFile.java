package dev.lethe.models.files;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Files that are there completely or not at all, whatever crashes meanwhile. */
public final class WholeFile {

  private static final String SUFFIX = ".tmp";
  /** The file that it is to be, and the process that writes it. */
  private static final Pattern UNFINISHED = Pattern.compile("\\..+\\.([0-9]{1,18})-[0-9]+" + Pattern.quote(SUFFIX));
  /** A process that is not known here may be one of another container that shares the folder. */
  private static final long OLD_MS = 1000;
  private static final AtomicLong NUMBER = new AtomicLong();

  private WholeFile() {}

  /** Puts the content into a file of another name. */
  public interface Content {
    void write(Path unfinished) throws IOException;
  }

  /** Writes a file, in place of one that is there. It is on the disk when this returns. */
  public static void write(Path file, byte[] bytes) throws IOException {
    write(file, unfinished -> Files.write(unfinished, bytes));
  }

  /** The same of what writes its file itself. If that fails, a file that is there is as it was. */
  public static void write(Path file, Content content) throws IOException {
    // Servers that share a folder write the same file, each under a name of its own until it is whole.
    Path unfinished = file.resolveSibling("." + file.getFileName() + "." + ProcessHandle.current().pid() + "-"
        + NUMBER.incrementAndGet() + SUFFIX);
    discardLeftovers(file.toAbsolutePath().getParent());
    try {
      content.write(unfinished);
      try (FileChannel channel = FileChannel.open(unfinished, StandardOpenOption.WRITE)) {
        channel.force(true);
      }
      Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException | RuntimeException | Error e) {
      discard(unfinished, e);
      throw e;
    }
  }

  /** Whether a file is none yet: it is being written, or a process has left it that ended while it did. */
  public static boolean isUnfinished(Path file) {
    return UNFINISHED.matcher(file.getFileName().toString()).matches();
  }

  /** What processes have left that ended while they wrote a file of the folder. */
  private static void discardLeftovers(Path directory) throws IOException {
    if (!Files.isDirectory(directory)) {
      return;
    }
    try (DirectoryStream<Path> siblings = Files.newDirectoryStream(directory, WholeFile::isUnfinished)) {
      for (Path sibling : siblings) {
        Matcher owner = UNFINISHED.matcher(sibling.getFileName().toString());
        if (owner.matches() && ProcessHandle.of(Long.parseLong(owner.group(1))).isEmpty()
            && Files.getLastModifiedTime(sibling).toMillis() < System.currentTimeMillis() - OLD_MS) {
          Files.deleteIfExists(sibling);
        }
      }
    } catch (NoSuchFileException e) {
      // Another process was faster.
    }
  }

  private static void discard(Path unfinished, Throwable failure) {
    try {
      if (Files.isRegularFile(unfinished)) {
        Files.delete(unfinished);
      }
    } catch (IOException e) {
      failure.addSuppressed(e);
    }
  }

  /**
   * Makes a file that its owner alone may read, and the folders above it, unless the file is there: of several servers
   * that start on the same folder one makes it, and all read the same.
   */
  public static void makeSecret(Path file, byte[] bytes) throws IOException {
    Path directory = file.toAbsolutePath().getParent();
    Files.createDirectories(directory);
    // A temporary file is its owner's alone from its first moment on, where the file system knows owners.
    Path unfinished = Files.createTempFile(directory, ".", "." + file.getFileName());
    try {
      Files.write(unfinished, bytes, StandardOpenOption.WRITE, StandardOpenOption.SYNC);
      // A link, and not a move, which would take the place of a file that another server has just made.
      Files.createLink(file, unfinished);
    } catch (FileAlreadyExistsException e) {
      // The other one was faster; its file is the file.
    } catch (UnsupportedOperationException e) {
      Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(unfinished);
    }
  }
}
