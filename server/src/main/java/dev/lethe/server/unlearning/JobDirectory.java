package dev.lethe.server.unlearning;

import com.google.protobuf.MessageOrBuilder;
import com.google.protobuf.util.JsonFormat;
import dev.lethe.job.JobContract;
import dev.lethe.models.encryption.FileCipher;
import dev.lethe.models.files.FileTrees;
import dev.lethe.models.files.WholeFile;
import dev.lethe.server.erasure.ErasureCertificate;
import dev.lethe.v1.ImageRole;
import dev.lethe.v1.Job;
import dev.lethe.v1.WorkerJob;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The files of one job. The worker's are described in {@code lethe/v1/worker.proto}; {@code worker.pid} is the
 * server's own. Blocks: not for event loops.
 *
 * @param path absolute
 */
record JobDirectory(Path path) {

  /** A file that tells the folder of all jobs from the place where it is to be mounted. */
  static final String MARK = ".jobs";

  private static final Logger LOG = LoggerFactory.getLogger(JobDirectory.class);

  /** Of its job. */
  String id() {
    return path.getFileName().toString();
  }

  void write(WorkerJob job) throws IOException {
    write(JobContract.JOB, job);
  }

  /**
   * Writes an image, encrypted.
   *
   * @param index from 0, of its role
   */
  void writeImage(ImageRole role, int index, byte[] png, FileCipher cipher) throws IOException {
    String name = JobContract.image(
        role == ImageRole.IMAGE_ROLE_LEARN ? JobContract.LEARN : JobContract.UNLEARN, index);
    Path file = path.resolve(name + JobContract.SEALED);
    // Of the role alone: where the job's own folder is gone, other images went with it.
    if (Files.notExists(file.getParent())) {
      Files.createDirectory(file.getParent());
    }
    Files.write(file, cipher.seal(name, png));
  }

  /**
   * Reads one of the images to unlearn.
   *
   * @param index from 0
   */
  byte[] readImage(int index, FileCipher cipher) throws IOException {
    String name = JobContract.image(JobContract.UNLEARN, index);
    return cipher.open(name, Files.readAllBytes(path.resolve(name + JobContract.SEALED)));
  }

  /** Takes away the images to unlearn that are not among the first so many: they were other jobs'. */
  void keepImages(int first) throws IOException {
    for (int index = first; Files.deleteIfExists(
        path.resolve(JobContract.image(JobContract.UNLEARN, index) + JobContract.SEALED)); index++) {
      LOG.debug("{}: an image of another job is taken away", path);
    }
  }

  /** Whether no image of a job is missing, as far as that can be seen. */
  boolean hasImages(Job job) {
    return hasImages(JobContract.UNLEARN, job.getUnlearnImages())
        && hasImages(JobContract.LEARN, job.getLearnImages());
  }

  private boolean hasImages(String folder, int images) {
    return IntStream.range(0, images).noneMatch(index ->
        Files.notExists(path.resolve(JobContract.image(folder, index) + JobContract.SEALED)));
  }

  /** Whether there is no such folder; not, if that cannot be seen. */
  boolean isGone() {
    return Files.notExists(path);
  }

  /** Whether the folder of all jobs is there, in which this one is or was: its disk may not be mounted. */
  boolean isParentThere() {
    return Files.exists(path.resolveSibling(MARK));
  }

  /** Whether nobody can say what is in it: it is not there, and neither is the folder of all jobs. */
  boolean isOutOfReach() {
    return isGone() && !isParentThere();
  }

  void make() throws IOException {
    Files.createDirectory(path);
  }

  Path candidate() {
    return path.resolve(JobContract.CANDIDATE);
  }

  /**
   * Puts a job beside the candidate that it made, so that whoever promotes it later can say what it is.
   *
   * @param name of the file: {@link ErasureCertificate#REPORT}, or that of a job that was carried out with it
   */
  void keepReport(String name, byte[] report) throws IOException {
    Files.write(candidate().resolve(name), report);
  }

  /** Takes away what an earlier worker left, but for its checkpoints where they may be of use. */
  void clear(boolean checkpoints) throws IOException {
    FileTrees.delete(candidate());
    if (checkpoints) {
      FileTrees.delete(path.resolve(JobContract.CHECKPOINT));
    }
  }

  Path log() {
    return path.resolve(JobContract.LOG);
  }

  /** Changes the lines that the worker has logged, once there is none any more. */
  void changeLog(UnaryOperator<String> change) throws IOException {
    try {
      // Native libraries write to it as well, in whatever form.
      String before = new String(Files.readAllBytes(log()), StandardCharsets.UTF_8);
      String after = change.apply(before);
      if (!after.equals(before)) {
        WholeFile.write(log(), after.getBytes(StandardCharsets.UTF_8));
      }
    } catch (NoSuchFileException e) {
      // It logged nothing.
    }
  }

  void writeProcess(ProcessHandle worker) throws IOException {
    Files.writeString(path.resolve("worker.pid"), identity(worker));
  }

  /** The worker that was started last for this job on this machine, if its process still runs. */
  Optional<ProcessHandle> leftWorker() throws IOException {
    // The server may have ended between the start of the process and the next line.
    Optional<ProcessHandle> started = ProcessHandle.allProcesses().filter(process -> process.info().arguments()
        .filter(words -> words.length > 0 && words[words.length - 1].equals(path.toString())).isPresent()).findFirst();
    if (started.isPresent()) {
      return started;
    }
    try {
      String written = Files.readString(path.resolve("worker.pid")).strip();
      return ProcessHandle.of(Long.parseLong(written.split(" ")[0]))
          .filter(process -> identity(process).equals(written));
    } catch (NoSuchFileException | NumberFormatException e) {
      return Optional.empty();
    }
  }

  // The number alone may be another process's by the time that it is read.
  private static String identity(ProcessHandle process) {
    return process.pid() + " " + process.info().startInstant().map(Instant::toEpochMilli).orElse(0L);
  }

  /** The pictures of the report, if the worker made them, and they are not taken away yet. */
  Optional<byte[]> beforeAfter() throws IOException {
    return read(JobContract.PICTURES);
  }

  /** The same as they are kept: encrypted. */
  Optional<byte[]> keptPictures() throws IOException {
    return read(JobContract.PICTURES + JobContract.SEALED);
  }

  void keepPictures(byte[] sealed) throws IOException {
    Files.write(path.resolve(JobContract.PICTURES + JobContract.SEALED), sealed);
  }

  private Optional<byte[]> read(String name) throws IOException {
    try {
      return Optional.of(Files.readAllBytes(path.resolve(name)));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
  }

  /**
   * Deletes all but what outlives a job's end.
   *
   * @param images whether the encrypted images are kept, too
   */
  void clean(boolean images) throws IOException {
    for (Path entry : entries()) {
      if (!outlives(entry, images)) {
        if (Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS)) {
          FileTrees.delete(entry);
        } else {
          Files.delete(entry);
        }
      }
    }
  }

  /** Deletes all that anyone can read who reads the disk; encrypted images stay, and a candidate. */
  void deletePlain() throws IOException {
    for (Path entry : entries()) {
      if (entry.equals(log()) || !entry.equals(candidate()) && !outlives(entry, true)) {
        FileTrees.delete(entry);
      }
    }
  }

  /**
   * What is there and should not be, after {@link #clean}.
   *
   * @throws IOException also if the folder of all jobs is not there, so that nothing can be said
   */
  List<String> left(boolean images) throws IOException {
    if (isOutOfReach()) {
      throw new NoSuchFileException(path.toString(), null, "nor is the folder of jobs");
    }
    return entries().stream().filter(entry -> !outlives(entry, images)).map(entry -> entry.getFileName().toString())
        .toList();
  }

  private List<Path> entries() throws IOException {
    try (Stream<Path> entries = Files.list(path)) {
      return entries.toList();
    } catch (NoSuchFileException e) {
      return List.of();
    }
  }

  private static boolean outlives(Path entry, boolean images) {
    String name = entry.getFileName().toString();
    return name.equals(JobContract.LOG) || images && Set.of(JobContract.UNLEARN, JobContract.LEARN,
        JobContract.PICTURES + JobContract.SEALED).contains(name);
  }

  /** The last lines of the worker's log; empty if it wrote none. */
  String endOfLog() throws IOException {
    return WorkerOutput.endOfLog(log());
  }

  private void write(String name, MessageOrBuilder message) throws IOException {
    WholeFile.write(path.resolve(name), JsonFormat.printer().print(message).getBytes(StandardCharsets.UTF_8));
  }
}
