package dev.lethe.server.inspection;

import com.google.protobuf.util.JsonFormat;
import dev.lethe.server.files.FileTrees;
import dev.lethe.server.unlearning.WorkerOutput;
import dev.lethe.v1.WorkerJob;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The files of one study, as {@code worker.proto} describes them; they are gone when it ends. Blocks: not for event loops.
 *
 * @param path absolute
 */
record StudyDirectory(Path path) {

  private static final String PREFIX = ".study-";

  /** Of the server's user alone: it holds people's pictures. */
  static StudyDirectory create(Path root) throws IOException {
    Path path = Files.createTempDirectory(root, PREFIX,
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    Files.createDirectory(path.resolve("unlearn"));
    return new StudyDirectory(path);
  }

  /** Takes away what a server left that was ended. */
  static void clean(Path root) throws IOException {
    List<Path> left;
    try (Stream<Path> entries = Files.list(root)) {
      left = entries.filter(entry -> entry.getFileName().toString().startsWith(PREFIX)).toList();
    }
    for (Path entry : left) {
      new StudyDirectory(entry).delete();
    }
  }

  void writeImage(int index, byte[] png) throws IOException {
    Files.write(path.resolve("unlearn").resolve("%04d.png".formatted(index)), png);
  }

  void write(WorkerJob job) throws IOException {
    Files.writeString(path.resolve("job.json"), JsonFormat.printer().print(job));
  }

  Path log() {
    return path.resolve("worker.log");
  }

  Optional<byte[]> file(String name) throws IOException {
    Path file = path.resolve(name);
    return Files.isRegularFile(file) ? Optional.of(Files.readAllBytes(file)) : Optional.empty();
  }

  /** The last of what the worker wrote down; empty if nothing. */
  String endOfLog() throws IOException {
    return WorkerOutput.endOfLog(log());
  }

  void delete() throws IOException {
    FileTrees.delete(path);
  }
}
