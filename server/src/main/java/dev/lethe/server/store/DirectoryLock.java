package dev.lethe.server.store;

import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.time.temporal.ChronoUnit;

/**
 * A folder that one server has for itself, or that servers share which agree by a database; or a database's file, which
 * may lie in another's folder. The system lets go of it when the process ends, however it ends.
 */
public final class DirectoryLock implements AutoCloseable {

  private static final String FOLDER = ".lethe";
  private static final String LOCK = ".lock";
  // Not the locked file: Unix lets go of all of a process's locks on a file as soon as it closes any descriptor of it.
  private static final String OWNER = ".owner";

  private final FileChannel file;

  private DirectoryLock(FileChannel file) {
    this.file = file;
  }

  /**
   * Takes a folder, which is made if it is not there.
   *
   * @param shared beside other servers that take it as shared
   * @throws IOException if another server has it, with its name; or if the folder cannot be written
   */
  public static DirectoryLock take(Path directory, boolean shared) throws IOException {
    return take(directory, FOLDER, directory, shared);
  }

  /**
   * Takes a file, which need not be there.
   *
   * @throws IOException if another server has it, with its name; or if its folder cannot be written
   */
  public static DirectoryLock takeFile(Path file) throws IOException {
    Path absolute = file.toAbsolutePath();
    Files.createDirectories(absolute.getParent());
    // By its one name: links lead to it by others.
    Path real = Files.exists(absolute) ? absolute.toRealPath()
        : absolute.getParent().toRealPath().resolve(absolute.getFileName());
    return take(real.getParent(), "." + real.getFileName(), file, false);
  }

  private static DirectoryLock take(Path directory, String name, Path what, boolean shared) throws IOException {
    Files.createDirectories(directory);
    FileChannel file = FileChannel.open(directory.resolve(name + LOCK), StandardOpenOption.CREATE,
        StandardOpenOption.READ, StandardOpenOption.WRITE);
    boolean taken = false;
    try {
      taken = lock(file, shared);
      if (!taken) {
        throw new IOException("another server works on " + what.toAbsolutePath() + ": "
            + owner(directory.resolve(name + OWNER)) + ". Stop it, or give this one folders and a database of its own");
      }
      Files.writeString(directory.resolve(name + OWNER), self());
      return new DirectoryLock(file);
    } finally {
      if (!taken) {
        file.close();
      }
    }
  }

  private static boolean lock(FileChannel file, boolean shared) throws IOException {
    try {
      FileLock lock = file.tryLock(0, Long.MAX_VALUE, shared);
      return lock != null;
    } catch (OverlappingFileLockException e) {
      // Another server of this very process.
      return shared;
    }
  }

  private static String self() {
    return "process " + ProcessHandle.current().pid() + " on " + host() + ", since "
        + ProcessHandle.current().info().startInstant().orElseGet(Instant::now).truncatedTo(ChronoUnit.SECONDS);
  }

  private static String owner(Path told) {
    try {
      return Files.readString(told).strip();
    } catch (IOException e) {
      return "it has not said which";
    }
  }

  @Override
  public void close() throws IOException {
    file.close();
  }

  /** A container's name may be one that nothing resolves. */
  private static String host() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      return System.getenv().getOrDefault("HOSTNAME", "a host without a name");
    }
  }
}
