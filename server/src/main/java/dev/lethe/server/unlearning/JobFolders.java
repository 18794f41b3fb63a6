package dev.lethe.server.unlearning;

import dev.lethe.models.files.FileTrees;
import dev.lethe.server.errors.DomainException;
import dev.lethe.server.errors.DomainException.Unavailable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The directory of all jobs: one directory each, by id, with the images and what the worker makes. Blocks. */
final class JobFolders {

  private static final String UPLOAD = ".upload-";
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss").withZone(ZoneOffset.UTC);

  private static final Pattern ID = Pattern.compile("\\d{8}-\\d{6}-[0-9a-f]{8}");

  private final Path root;
  // Uploads that somebody here is at.
  private final Set<Path> uploads = ConcurrentHashMap.newKeySet();

  /** Makes the directory. */
  JobFolders(Path root) throws IOException {
    this.root = Files.createDirectories(root.toAbsolutePath().normalize());
  }

  /** Whether a file lies in it. */
  boolean holds(Path file) {
    return root.equals(file.toAbsolutePath().normalize().getParent());
  }

  /** Whether this is known for the folder of jobs, and not the place where its disk is to be mounted. */
  boolean isMarked() {
    return Files.exists(root.resolve(JobDirectory.MARK));
  }

  void mark() throws IOException {
    Files.write(root.resolve(JobDirectory.MARK), new byte[0]);
  }

  /**
   * Takes away what is left of uploads whose server was ended, and gives those that were accepted their names. Shows
   * by their time of change that this server is at its own.
   *
   * @param accepted whether there is a job of this id
   * @param stale how long nothing has come of an upload that nobody is at any more
   */
  void recover(Predicate<String> accepted, Duration stale) throws IOException {
    // First, whatever becomes of others: whoever does not hear of them for long takes them away.
    for (Path upload : uploads) {
      beat(upload);
    }
    Instant since = Instant.now().minus(stale);
    for (Path entry : entries()) {
      String name = entry.getFileName().toString();
      if (!uploads.contains(entry) && name.startsWith(UPLOAD)) {
        String id = name.substring(UPLOAD.length());
        if (accepted.test(id)) {
          commit(new JobDirectory(entry), id);
        } else if (isOlder(entry, since)) {
          FileTrees.delete(entry);
        }
      }
    }
  }

  private static boolean isOlder(Path upload, Instant since) throws IOException {
    try {
      return !Files.getLastModifiedTime(upload).toInstant().isAfter(since);
    } catch (NoSuchFileException e) {
      // Another server has just made it a job, or given it up.
      return false;
    }
  }

  private static void beat(Path upload) throws IOException {
    try {
      Files.setLastModifiedTime(upload, FileTime.from(Instant.now()));
    } catch (NoSuchFileException e) {
      // It has just become a job, or was given up.
    }
  }

  /**
   * Folders of jobs that there are not: a database that was restored from a backup does not know them.
   *
   * @param accepted whether there is a job of this id
   */
  List<JobDirectory> unknown(Predicate<String> accepted) throws IOException {
    return ofJobs().stream().filter(directory -> !accepted.test(directory.id())).toList();
  }

  /** All folders that are named as those of jobs are. */
  List<JobDirectory> ofJobs() throws IOException {
    return entries().stream().filter(entry -> ID.matcher(entry.getFileName().toString()).matches())
        .map(JobDirectory::new).toList();
  }

  /** A new id: the time, for people, and enough chance that no two are equal. */
  static String newId() {
    return TIME.format(Clock.systemUTC().instant()) + "-%08x".formatted(ThreadLocalRandom.current().nextInt());
  }

  /**
   * A directory for an upload, that is no job yet.
   *
   * @throws DomainException Unavailable if this seems not to be the folder of jobs
   */
  JobDirectory beginUpload(String id) throws IOException {
    if (!isMarked()) {
      throw new Unavailable("the folder of jobs is not mounted on the server");
    }
    JobDirectory upload = new JobDirectory(Files.createDirectory(root.resolve(UPLOAD + id)));
    uploads.add(upload.path());
    return upload;
  }

  void discard(JobDirectory upload) throws IOException {
    leave(upload);
    FileTrees.delete(upload.path());
  }

  /** Nobody here is at it any more: whether there is a job of it says what becomes of it. */
  void leave(JobDirectory upload) {
    uploads.remove(upload.path());
  }

  /** Sees to it that a finished upload outlives a loss of power, wherever it is renamed to. */
  void sync(JobDirectory upload) throws IOException {
    try (Stream<Path> all = Files.walk(upload.path())) {
      for (Path path : all.toList()) {
        force(path);
      }
    }
    force(root);
  }

  /** Linux and macOS write a folder's entries down by the same call as a file's bytes. */
  private static void force(Path path) throws IOException {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  /** Gives an upload that was accepted the name of its job. */
  JobDirectory commit(JobDirectory upload, String id) throws IOException {
    leave(upload);
    try {
      Files.move(upload.path(), root.resolve(id), StandardCopyOption.ATOMIC_MOVE);
    } catch (NoSuchFileException e) {
      // Another server that starts on the same folders may have done so already.
      if (Files.notExists(root.resolve(id))) {
        throw e;
      }
    }
    return of(id);
  }

  /** The directory of a job, whether it is there or not. */
  JobDirectory of(String id) {
    return new JobDirectory(root.resolve(id));
  }

  private List<Path> entries() throws IOException {
    try (Stream<Path> entries = Files.list(root)) {
      return entries.toList();
    }
  }
}
