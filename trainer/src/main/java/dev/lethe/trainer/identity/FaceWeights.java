package dev.lethe.trainer.identity;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lethe.models.graph.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * Tensors in the files of a TensorFlow.js model: a JSON manifest lists them, the binary file has them one after the
 * other, as little-endian floats or as unsigned bytes of which each stands for {@code q * scale + min}.
 */
final class FaceWeights {

  static final String MANIFEST = "face_recognition_model-weights_manifest.json";
  private static final String BINARY = "face_recognition_model.bin";
  /** More than dlib's network has. */
  private static final long MOST_VALUES = 1 << 24;

  private final Path directory;
  private final Map<String, Tensor> tensors = new HashMap<>();

  private FaceWeights(Path directory) {
    this.directory = directory;
  }

  /**
   * @param directory that {@code trainer/scripts/fetch-identity} prints
   * @throws IOException if a file is not there, or is no such file; the message names it
   */
  static FaceWeights read(Path directory) throws IOException {
    Path manifest = directory.resolve(MANIFEST);
    Path binary = directory.resolve(BINARY);
    for (Path file : new Path[] {manifest, binary}) {
      if (!Files.isRegularFile(file)) {
        throw new IOException(file + ": there is no such file; trainer/scripts/fetch-identity fetches it");
      }
    }
    FaceWeights weights = new FaceWeights(directory);
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(binary)).order(ByteOrder.LITTLE_ENDIAN);
    for (JsonNode entry : new ObjectMapper().readTree(manifest.toFile()).path(0).path("weights")) {
      weights.tensors.put(entry.path("name").asText(), tensor(entry, bytes, binary));
    }
    if (bytes.hasRemaining()) {
      throw new IOException(binary + ": has " + bytes.remaining() + " bytes more than " + MANIFEST + " says");
    }
    return weights;
  }

  private static Tensor tensor(JsonNode entry, ByteBuffer bytes, Path binary) throws IOException {
    String name = entry.path("name").asText();
    long[] shape = new long[entry.path("shape").size()];
    long values = 1;
    for (int i = 0; i < shape.length; i++) {
      shape[i] = entry.path("shape").path(i).asLong();
      values = shape[i] < 1 || values > MOST_VALUES ? MOST_VALUES + 1 : values * shape[i];
    }
    JsonNode quantization = entry.path("quantization");
    boolean floats = quantization.isMissingNode();
    if (!entry.path("dtype").asText().equals("float32")
        || !floats && !quantization.path("dtype").asText().equals("uint8")) {
      throw new IOException(binary + ": tensor " + name + " is neither of float32 nor of uint8 with scale and min");
    }
    if (values > MOST_VALUES || values * (floats ? Float.BYTES : 1) > bytes.remaining()) {
      throw new IOException(binary + ": ends within tensor " + name);
    }
    float scale = (float) quantization.path("scale").asDouble();
    float least = (float) quantization.path("min").asDouble();
    float[] data = new float[(int) values];
    for (int i = 0; i < data.length; i++) {
      data[i] = floats ? bytes.getFloat() : Byte.toUnsignedInt(bytes.get()) * scale + least;
    }
    return new Tensor(shape, data);
  }

  /**
   * @throws IOException if there is no such tensor, or one of another shape
   */
  Tensor of(String name, long... shape) throws IOException {
    Tensor tensor = tensors.get(name);
    if (tensor == null || !Arrays.equals(tensor.shape(), shape)) {
      throw new IOException(directory.resolve(MANIFEST) + ": tensor " + name + " is "
          + (tensor == null ? "not there" : "of shape " + Arrays.toString(tensor.shape())) + "; it must be of "
          + Arrays.toString(shape));
    }
    return tensor;
  }
}
