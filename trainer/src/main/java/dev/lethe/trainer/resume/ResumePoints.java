package dev.lethe.trainer.resume;

import dev.lethe.models.encryption.FileCipher;
import dev.lethe.models.files.WholeFile;
import dev.lethe.models.graph.Tensor;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.zip.CRC32C;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the pieces of work that a job has done, each in a file of its own, encrypted where the job's images are:
 * another worker of the same job finds them and goes on from there. A file that is damaged, or of another job or
 * another release, is told of and counts as not there. That one cannot be written does not end a job.
 *
 * <p>One thread's.
 */
public final class ResumePoints {

  private static final Logger LOG = LoggerFactory.getLogger(ResumePoints.class);
  /** Another number for each form of these files that earlier releases do not read. */
  private static final int FORMAT = 1;
  private static final String SEALED = ".sealed";

  private final Optional<Path> directory;
  private final Optional<FileCipher> cipher;
  private final String job;
  private final Duration between;
  private final long started = System.nanoTime();
  private final List<String> notes = new ArrayList<>();
  private double earlier;
  private long last = System.nanoTime();

  private ResumePoints(Optional<Path> directory, Optional<FileCipher> cipher, String job, Duration between) {
    this.directory = directory;
    this.cipher = cipher;
    this.job = job;
    this.between = between;
  }

  /** Nothing is kept, nothing found. */
  public static ResumePoints none() {
    return new ResumePoints(Optional.empty(), Optional.empty(), "", Duration.ZERO);
  }

  /**
   * @param directory is made when something is to be kept
   * @param cipher of the files; empty: they are plain
   * @param job equal for workers that may go on from each other's points, and for no others
   * @param between how long work that can be kept at any time goes on before it is
   */
  public static ResumePoints in(Path directory, Optional<FileCipher> cipher, String job, Duration between) {
    return new ResumePoints(Optional.of(directory), cipher, job, between);
  }

  /** Something that takes long to work out. */
  public interface Work<T> {
    T run() throws IOException;
  }

  /** What work came to, made of its point. */
  public interface Reading<T> {
    T of(Point point) throws IOException;
  }

  /** The point of some work. */
  public interface Writing<T> {
    Point of(T result);
  }

  /** What a piece of work came to: as it was kept, or else by doing it, and then it is kept. */
  public <T> T once(String name, Reading<T> reading, Writing<T> writing, Work<T> work) throws IOException {
    Optional<T> found = find(name, reading);
    if (found.isPresent()) {
      return found.get();
    }
    T result = work.run();
    keep(name, writing.of(result));
    return result;
  }

  /** The same of work that comes to one tensor. */
  public Tensor once(String name, Work<Tensor> work) throws IOException {
    return once(name, point -> point.tensor("found"), tensor -> Point.of(Map.of("found", tensor)), work);
  }

  /** What was kept under a name; empty if nothing was, or it cannot be used. */
  public <T> Optional<T> find(String name, Reading<T> reading) {
    if (directory.isEmpty() || Files.notExists(file(name))) {
      return Optional.empty();
    }
    try {
      T found = reading.of(read(name));
      LOG.info("{} is as an earlier worker has left it", name);
      return Optional.of(found);
    } catch (IOException | RuntimeException e) {
      LOG.warn("the checkpoint {} is of no use, and its work is done anew: {}", file(name), e.getMessage());
      notes.add("the checkpoint of " + name + " was of no use, and its work was done anew");
      return Optional.empty();
    }
  }

  private Point read(String name) throws IOException {
    byte[] bytes = Files.readAllBytes(file(name));
    if (cipher.isPresent()) {
      bytes = cipher.get().open(bound(name), bytes);
    }
    int length = bytes.length - Long.BYTES;
    if (length < 0 || sum(bytes, length) != ByteBuffer.wrap(bytes, length, Long.BYTES).getLong()) {
      throw new IOException("it is damaged");
    }
    DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes, 0, length));
    if (in.readInt() != FORMAT || !in.readUTF().equals(job)) {
      throw new IOException("it is of another job, or of another release");
    }
    double seconds = in.readDouble();
    Point point = Point.of(in.readAllBytes());
    earlier = Math.max(earlier, seconds);
    return point;
  }

  /** Whether work that can be kept at any time should be now. */
  public boolean due() {
    return directory.isPresent() && System.nanoTime() - last >= between.toNanos();
  }

  /** Keeps a point in place of an earlier one of its name. The file is there completely or not at all. */
  public void keep(String name, Point point) {
    if (directory.isEmpty()) {
      return;
    }
    last = System.nanoTime();
    try {
      Files.createDirectories(directory.get());
      WholeFile.write(file(name), content(name, point));
    } catch (IOException | ArithmeticException | OutOfMemoryError e) {
      LOG.warn("no checkpoint of {} can be kept, and another worker would do its work anew: {}", name, e.toString());
    }
  }

  private byte[] content(String name, Point point) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    DataOutputStream out = new DataOutputStream(bytes);
    out.writeInt(FORMAT);
    out.writeUTF(job);
    out.writeDouble(earlier + (System.nanoTime() - started) / 1e9);
    out.write(point.bytes());
    out.writeLong(sum(bytes.toByteArray(), bytes.size()));
    return cipher.isPresent() ? cipher.get().seal(bound(name), bytes.toByteArray()) : bytes.toByteArray();
  }

  /** Seconds that earlier workers took for what was found, until they kept the last of it. */
  public double earlierSeconds() {
    return earlier;
  }

  /** What is worth knowing of how the job was carried on, in sentences. */
  public List<String> notes() {
    return List.copyOf(notes);
  }

  /** Adds a sentence to the notes. */
  public void note(String sentence) {
    notes.add(sentence);
  }

  private static long sum(byte[] bytes, int length) {
    CRC32C sum = new CRC32C();
    sum.update(bytes, 0, length);
    return sum.getValue();
  }

  private Path file(String name) {
    return directory.orElseThrow().resolve(name + (cipher.isPresent() ? SEALED : ""));
  }

  private static String bound(String name) {
    return "checkpoint/" + name;
  }
}
