package dev.lethe.server.store;

import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A folder that one server has for itself, or that servers share which agree by a database; or a database's file, which
 * may lie in another's folder. The system lets go of it when the process ends, however it ends.
 */
public final class DirectoryLock implements AutoCloseable {

  private static final String FOLDER = ".lethe";
  private static final String LOCK = ".lock";
  // Not the locked file: Unix lets go of all of a process's locks on a file as soon as it closes any descriptor of it.
  private static final String OWNER = ".owner";
  // By which database those that share a folder agree.
  private static final String DATABASE = ".database";
  /** For another that shares the folder, and looks at this moment whether it is alone in it. */
  private static final Duration PATIENCE = Duration.ofSeconds(5);
  private static final int AGAIN_MS = 20;

  private final FileChannel file;
  private final boolean alone;

  private DirectoryLock(FileChannel file, boolean alone) {
    this.file = file;
    this.alone = alone;
  }

  /** Whether nobody else had the folder when it was taken: only then what is in it may be nobody's. */
  public boolean wasAlone() {
    return alone;
  }

  /**
   * Takes a folder, which is made if it is not there, and has it alone.
   *
   * @throws IOException if another server has it, with its name; or if the folder cannot be written
   */
  public static DirectoryLock take(Path directory) throws IOException {
    return take(directory, FOLDER, directory);
  }

  /**
   * Takes a folder, which is made if it is not there, beside others that agree by the same database: to those that do
   * not, what the others keep in it would be nobody's.
   *
   * @param database which it is, as none other is called
   * @throws IOException if others have it that do not share it, or agree by another database, with the name of one; or
   *     if the folder cannot be written
   */
  public static DirectoryLock share(Path directory, String database) throws IOException {
    Path told = directory.resolve(FOLDER + DATABASE);
    FileChannel file = open(directory, FOLDER);
    boolean taken = false;
    try {
      Optional<Boolean> alone = lockShared(file, told, database);
      if (alone.isEmpty()) {
        throw refusal(directory, owner(directory.resolve(FOLDER + OWNER)));
      }
      if (!agrees(told, database)) {
        throw new IOException("servers that agree by another database work on " + directory.toAbsolutePath() + ": "
            + owner(directory.resolve(FOLDER + OWNER)) + ". Give this one their database, or folders of its own");
      }
      Files.writeString(directory.resolve(FOLDER + OWNER), self());
      taken = true;
      return new DirectoryLock(file, alone.get());
    } finally {
      if (!taken) {
        file.close();
      }
    }
  }

  /**
   * Who is alone in a folder says by which database those agree that come later.
   *
   * @return whether nobody else was there; empty if others do not share it
   */
  private static Optional<Boolean> lockShared(FileChannel file, Path told, String database) throws IOException {
    long limit = System.nanoTime() + PATIENCE.toNanos();
    while (System.nanoTime() - limit < 0) {
      FileLock alone = tryAlone(file);
      if (alone != null) {
        Files.writeString(told, database);
        alone.release();
      }
      // Between the two another may be alone here, and then it is its database that counts.
      if (lock(file, true)) {
        return Optional.of(alone != null);
      }
      pause();
    }
    return Optional.empty();
  }

  private static boolean agrees(Path told, String database) throws IOException {
    try {
      return Files.readString(told).equals(database);
    } catch (NoSuchFileException e) {
      // Those that are here have told nobody, or it is lost: they may agree by any.
      return false;
    }
  }

  private static void pause() throws IOException {
    try {
      TimeUnit.MILLISECONDS.sleep(AGAIN_MS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while starting", e);
    }
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
    return take(real.getParent(), "." + real.getFileName(), file);
  }

  private static DirectoryLock take(Path directory, String name, Path what) throws IOException {
    FileChannel file = open(directory, name);
    boolean taken = false;
    try {
      taken = lock(file, false);
      if (!taken) {
        throw refusal(what, owner(directory.resolve(name + OWNER)));
      }
      Files.writeString(directory.resolve(name + OWNER), self());
      return new DirectoryLock(file, true);
    } finally {
      if (!taken) {
        file.close();
      }
    }
  }

  private static FileChannel open(Path directory, String name) throws IOException {
    Files.createDirectories(directory);
    return FileChannel.open(directory.resolve(name + LOCK), StandardOpenOption.CREATE, StandardOpenOption.READ,
        StandardOpenOption.WRITE);
  }

  private static IOException refusal(Path what, String owner) {
    return new IOException("another server works on " + what.toAbsolutePath() + ": " + owner
        + ". Stop it, or give this one folders and a database of its own");
  }

  private static boolean lock(FileChannel file, boolean shared) throws IOException {
    try {
      return file.tryLock(0, Long.MAX_VALUE, shared) != null;
    } catch (OverlappingFileLockException e) {
      // Another server of this very process.
      return shared;
    }
  }

  /** Null if another has it, in this process or not. */
  private static @Nullable FileLock tryAlone(FileChannel file) throws IOException {
    try {
      return file.tryLock();
    } catch (OverlappingFileLockException e) {
      return null;
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
