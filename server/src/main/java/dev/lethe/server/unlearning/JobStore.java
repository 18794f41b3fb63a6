package dev.lethe.server.unlearning;

import dev.lethe.server.registry.FileTrees;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Clock;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Stream;

/** The directory of all jobs: one directory each, by id. Blocks: not for event loops. */
final class JobStore {

  private static final String UPLOAD = ".upload-";
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss").withZone(ZoneOffset.UTC);

  private final Path root;

  /** Makes the directory, and takes away what clients that broke off left of their uploads. */
  JobStore(Path root) throws IOException {
    this.root = Files.createDirectories(root.toAbsolutePath().normalize());
    for (Path entry : entries()) {
      if (entry.getFileName().toString().startsWith(UPLOAD)) {
        FileTrees.delete(entry);
      }
    }
  }

  /** A new id: the time, for people, and enough chance that no two are equal. */
  static String newId() {
    return TIME.format(Clock.systemUTC().instant()) + "-%08x".formatted(ThreadLocalRandom.current().nextInt());
  }

  /** A directory for an upload, that is no job yet. */
  JobDirectory beginUpload(String id) throws IOException {
    return new JobDirectory(Files.createDirectory(root.resolve(UPLOAD + id)));
  }

  void discard(JobDirectory upload) throws IOException {
    FileTrees.delete(upload.path());
  }

  /** Makes a finished upload a job. */
  JobDirectory commit(JobDirectory upload, String id) throws IOException {
    return new JobDirectory(Files.move(upload.path(), root.resolve(id), StandardCopyOption.ATOMIC_MOVE));
  }

  /** Every job that there is. */
  List<JobDirectory> jobs() throws IOException {
    return entries().stream()
        .filter(entry -> Files.exists(entry.resolve("status.json")))
        .map(JobDirectory::new)
        .toList();
  }

  private List<Path> entries() throws IOException {
    try (Stream<Path> entries = Files.list(root)) {
      return entries.toList();
    }
  }
}
