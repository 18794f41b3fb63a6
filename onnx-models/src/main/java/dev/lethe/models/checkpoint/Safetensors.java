package dev.lethe.models.checkpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lethe.models.graph.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The safetensors format: the length of a header as 8 bytes, the header in JSON with type, shape and place of each
 * tensor, then their elements, little-endian.
 */
public final class Safetensors {

  /** Name of the header's entry that is no tensor but texts about all of them. */
  public static final String METADATA = "__metadata__";
  private static final int LARGEST_HEADER = 100_000_000;
  private static final int ALIGNMENT = 8;
  private static final ObjectMapper JSON = new ObjectMapper()
      .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY);

  private Safetensors() {}

  /** Tensors by name, and the texts of {@link #METADATA} as a dictionary. */
  static Map<String, Object> read(ByteBuffer file) throws CheckpointException {
    ByteBuffer in = file.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    long length = in.remaining() < Long.BYTES ? -1 : in.getLong();
    if (length < 2 || length > Math.min(in.remaining(), LARGEST_HEADER)) {
      throw new CheckpointException("its header has " + length + " bytes, of " + in.remaining() + " in the file");
    }
    JsonNode header = header(in.slice(in.position(), (int) length));
    ByteBuffer data = in.slice(in.position() + (int) length, in.remaining() - (int) length);
    Map<String, Object> root = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : header.properties()) {
      root.put(entry.getKey(), entry.getKey().equals(METADATA) ? texts(entry.getValue())
          : tensor(entry.getKey(), entry.getValue(), data));
    }
    requireWithoutGaps(header, data.remaining());
    return root;
  }

  /** As the format has it: one tensor after the other, up to the end. What lies between them would be hidden. */
  private static void requireWithoutGaps(JsonNode header, long size) throws CheckpointException {
    List<Map.Entry<String, JsonNode>> tensors = header.properties().stream()
        .filter(entry -> !entry.getKey().equals(METADATA))
        .sorted(Comparator.comparingLong((Map.Entry<String, JsonNode> entry) -> offset(entry, 0))
            .thenComparingLong(entry -> offset(entry, 1))).toList();
    long end = 0;
    for (Map.Entry<String, JsonNode> tensor : tensors) {
      if (offset(tensor, 0) != end) {
        throw new CheckpointException(tensor.getKey() + " begins at byte " + offset(tensor, 0)
            + " of the tensors; what is before it ends at " + end);
      }
      end = offset(tensor, 1);
    }
    if (end != size) {
      throw new CheckpointException("its last tensor ends at byte " + end + ", and " + (size - end)
          + " bytes follow that belong to none; the file is damaged, or something was added to it");
    }
  }

  private static long offset(Map.Entry<String, JsonNode> tensor, int which) {
    return tensor.getValue().path("data_offsets").path(which).asLong();
  }

  private static JsonNode header(ByteBuffer json) throws CheckpointException {
    byte[] bytes = new byte[json.remaining()];
    json.get(bytes);
    try {
      JsonNode header = JSON.readTree(bytes);
      if (header.isObject()) {
        return header;
      }
    } catch (JsonProcessingException e) {
      throw new CheckpointException("its header is no JSON: " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw new CheckpointException("its header is no JSON: " + e.getMessage(), e);
    }
    throw new CheckpointException("its header is no JSON object");
  }

  private static Map<String, Object> texts(JsonNode node) {
    Map<String, Object> texts = new LinkedHashMap<>();
    node.properties().forEach(entry -> texts.put(entry.getKey(), entry.getValue().asText()));
    return texts;
  }

  private static StoredTensor tensor(String name, JsonNode node, ByteBuffer data) throws CheckpointException {
    ElementType type = ElementType.ofSafetensors(node.path("dtype").asText());
    JsonNode offsets = node.path("data_offsets");
    JsonNode dimensions = node.path("shape");
    if (type == null || !dimensions.isArray() || offsets.size() != 2) {
      throw new CheckpointException(name + " has type " + node.path("dtype") + ", shape " + dimensions + " and offsets "
          + offsets + "; that is no tensor that is read");
    }
    long[] shape = new long[dimensions.size()];
    for (int i = 0; i < shape.length; i++) {
      shape[i] = dimensions.get(i).canConvertToLong() ? dimensions.get(i).asLong() : -1;
    }
    long begin = offsets.get(0).asLong(-1);
    long end = offsets.get(1).asLong(-1);
    if (begin < 0 || end < begin || end > data.remaining()) {
      throw new CheckpointException(name + " lies from " + begin + " to " + end + " in " + data.remaining()
          + " bytes; the file is cut short or damaged");
    }
    ByteBuffer bytes = data.slice((int) begin, (int) (end - begin));
    StoredTensor tensor;
    try {
      tensor = StoredTensor.whole(new Storage(type, (end - begin) / type.bytes(), () -> bytes), shape);
    } catch (CheckpointException e) {
      throw new CheckpointException(name + ": " + e.getMessage(), e);
    }
    if (tensor.size() * type.bytes() != end - begin) {
      throw new CheckpointException(name + " has shape " + dimensions + " and type " + type + ", and " + (end - begin)
          + " bytes");
    }
    return tensor;
  }

  /**
   * Writes tensors as F32, in their order.
   *
   * @param metadata texts about all of them
   */
  public static void write(Path file, Map<String, Tensor> tensors, Map<String, String> metadata) throws IOException {
    ObjectNode header = JSON.createObjectNode();
    ObjectNode texts = header.putObject(METADATA);
    metadata.forEach(texts::put);
    long at = 0;
    for (Map.Entry<String, Tensor> entry : tensors.entrySet()) {
      ObjectNode node = header.putObject(entry.getKey());
      node.put("dtype", ElementType.F32.name());
      for (long dimension : entry.getValue().shape()) {
        node.withArray("shape").add(dimension);
      }
      node.withArray("shape");
      long size = (long) entry.getValue().data().length * Float.BYTES;
      node.putArray("data_offsets").add(at).add(at + size);
      at += size;
    }
    String json = header.toString();
    int padding = Math.floorMod(-json.getBytes(StandardCharsets.UTF_8).length, ALIGNMENT);
    byte[] bytes = (json + " ".repeat(padding)).getBytes(StandardCharsets.UTF_8);
    try (FileChannel out = FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW)) {
      write(out, ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(bytes.length).flip());
      write(out, ByteBuffer.wrap(bytes));
      for (Tensor tensor : tensors.values()) {
        write(out, littleEndian(tensor));
      }
      out.force(true);
    }
  }

  static ByteBuffer littleEndian(Tensor tensor) {
    ByteBuffer bytes = ByteBuffer.allocate(tensor.data().length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(tensor.data());
    return bytes;
  }

  private static void write(FileChannel out, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      out.write(bytes);
    }
  }
}
