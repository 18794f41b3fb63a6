package dev.lethe.server.inspection;

import com.google.protobuf.util.JsonFormat;
import dev.lethe.job.JobContract;
import dev.lethe.models.encryption.FileCipher;
import dev.lethe.server.unlearning.WorkerOutput;
import dev.lethe.v1.WorkerJob;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;

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

  static boolean isStudy(Path entry) {
    return entry.getFileName().toString().startsWith(PREFIX);
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
}
