package dev.lethe.trainer.session;

import dev.lethe.trainer.session.format.CheckpointTable;
import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * ONNX Runtime's training checkpoint: parameters, the optimizer's state, and named numbers. A FlatBuffer with the
 * identifier {@code ODTC}, as {@code src/main/flatbuffers/checkpoint.fbs} says; version 2.
 *
 * <p>It does not depend on the graphs: a checkpoint of one training model starts another one that has the same
 * parameters. Float32 tensors only, at most 2 GiB in all, the limit of a FlatBuffer.
 *
 * @param parameters with the trainable ones first; a session gives each kind sorted by name
 * @param optimizer empty before the first session, and where it was left out
 * @param numbers the caller's own values by name
 */
public record Checkpoint(
    List<Parameter> parameters, Optional<OptimizerState> optimizer, Map<String, Float> numbers) {

  /**
   * Adam's state.
   *
   * @param step optimizer steps done
   * @param moments for each trainable parameter
   */
  public record OptimizerState(long step, Map<String, Moments> moments) {}

  /**
   * Adam's running means, each in the shape of its parameter.
   *
   * @param first m, of gradients
   * @param second v, of their squares
   */
  public record Moments(float[] first, float[] second) {}

  /** The longest array that Java makes is a little shorter than 2 GiB. */
  private static final int MAX_BYTES = Integer.MAX_VALUE - 8;

  public Checkpoint {
    parameters = List.copyOf(parameters);
    numbers = Map.copyOf(numbers);
  }

  /**
   * Writes the file, replacing what is there.
   *
   * @throws IOException if it cannot be written, or would be larger than a FlatBuffer can be
   */
  public void write(Path file) throws IOException {
    long floats = parameters.stream().mapToLong(parameter -> parameter.values().length).sum()
        + optimizer.map(state -> state.moments().values().stream()
            .mapToLong(moments -> moments.first().length + (long) moments.second().length).sum()).orElse(0L);
    long estimate = floats * Float.BYTES + 1024L * (parameters.size() + 1);
    if (estimate > MAX_BYTES) {
      throw new IOException(
          "The checkpoint " + file + " would have " + estimate + " bytes; at most 2 GiB are possible.");
    }
    ByteBuffer bytes = new CheckpointWriter((int) estimate).write(this);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE,
        StandardOpenOption.TRUNCATE_EXISTING)) {
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
      channel.force(true);
    }
  }

  /**
   * Reads a file that {@link #write} or a session wrote.
   *
   * @throws IOException if there is none, or it is no checkpoint of this version, or damaged
   */
  public static Checkpoint read(Path file) throws IOException {
    long size = Files.size(file);
    if (size > MAX_BYTES) {
      throw new IOException("The checkpoint " + file + " has " + size + " bytes; at most 2 GiB are possible.");
    }
    // Not mapped: Java unmaps at some later garbage collection, and a deleted file keeps its space until then.
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    if (bytes.limit() < 8 || !CheckpointTable.CheckpointTableBufferHasIdentifier(bytes)) {
      throw new IOException(file + " is no training checkpoint of ONNX Runtime.");
    }
    try {
      return CheckpointReader.read(bytes);
    } catch (IndexOutOfBoundsException | BufferUnderflowException | NegativeArraySizeException
        | IllegalArgumentException e) {
      throw new IOException("The checkpoint " + file + " cannot be read: " + e.getMessage(), e);
    }
  }

  /** Values by parameter name, in the order of {@link #parameters}; not copied. */
  public Map<String, float[]> values() {
    Map<String, float[]> values = new LinkedHashMap<>();
    parameters.forEach(parameter -> values.put(parameter.name(), parameter.values()));
    return values;
  }
}
