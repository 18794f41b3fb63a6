package dev.lethe.server.inspection;

import com.google.protobuf.util.JsonFormat;
import dev.lethe.job.JobContract;
import dev.lethe.models.encryption.FileCipher;
import dev.lethe.models.files.FileTrees;
import dev.lethe.server.unlearning.WorkerOutput;
import dev.lethe.v1.WorkerJob;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The files of one study, as {@code worker.proto} describes them; they are gone when it ends. People's pictures among
 * them, and what a worker makes of them, are encrypted with a key that is nowhere but in memory. Blocks: not for event
 * loops.
 *
 * @param path absolute
 * @param key of its images
 */
record StudyDirectory(Path path, byte[] key) {

  private static final String PREFIX = ".study-";

  /** Of the server's user alone: it holds people's pictures. */
  static StudyDirectory create(Path root) throws IOException {
    Path path = Files.createTempDirectory(root, PREFIX,
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    Files.createDirectory(path.resolve(JobContract.UNLEARN));
    return new StudyDirectory(path, FileCipher.newKey());
  }

  /**
   * Takes away what a server left that was ended.
   *
   * @param stale how long nothing has become of a study that nobody is at any more
   */
  static void clean(Path root, Duration stale) throws IOException {
    Instant since = Instant.now().minus(stale);
    List<Path> left;
    try (Stream<Path> entries = Files.list(root)) {
      left = entries.filter(entry -> entry.getFileName().toString().startsWith(PREFIX)).toList();
    }
    for (Path entry : left) {
      try {
        if (!Files.getLastModifiedTime(entry).toInstant().isAfter(since)) {
          FileTrees.delete(entry);
        }
      } catch (NoSuchFileException e) {
        // Its server has deleted it.
      }
    }
  }

  void writeImage(int index, byte[] png) throws IOException {
    String name = JobContract.image(JobContract.UNLEARN, index);
    Files.write(path.resolve(name + JobContract.SEALED), new FileCipher(key).seal(name, png));
  }

  void write(WorkerJob job) throws IOException {
    Files.writeString(path.resolve(JobContract.JOB), JsonFormat.printer().print(job));
  }

  Path log() {
    return path.resolve(JobContract.LOG);
  }

  Optional<byte[]> file(String name) throws IOException {
    Path file = path.resolve(name + JobContract.SEALED);
    return Files.isRegularFile(file) ? Optional.of(new FileCipher(key).open(name, Files.readAllBytes(file)))
        : Optional.empty();
  }

  /** The last of what the worker wrote down; empty if nothing. */
  String endOfLog() throws IOException {
    return WorkerOutput.endOfLog(log());
  }

  void delete() throws IOException {
    FileTrees.delete(path);
  }
}
