package dev.lethe.models.golden;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * Numbers of the StyleGAN2 reference implementation, read from a safetensors resource in {@code /golden}: an 8-byte
 * little-endian header length, a JSON header, then raw little-endian float32. The README beside the files says which
 * tensors they hold and how these were computed.
 */
public final class Golden {

  private static final ObjectMapper JSON = new ObjectMapper();

  private final Map<String, String> metadata;
  private final Map<String, Entry> entries;
  private final ByteBuffer data;

  private Golden(Map<String, String> metadata, Map<String, Entry> entries, ByteBuffer data) {
    this.metadata = metadata;
    this.entries = entries;
    this.data = data;
  }

  /** Loads {@code /golden/NAME.safetensors} from the class path: {@code cond-32-gray} or {@code uncond-32-rgb}. */
  public static Golden load(String name) {
    String resource = "/golden/" + name + ".safetensors";
    try (InputStream in = Golden.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new FileNotFoundException("no resource " + resource);
      }
      return parse(in.readAllBytes());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Golden parse(byte[] file) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    int headerLength = Math.toIntExact(bytes.getLong());
    JsonNode header = JSON.readTree(new String(file, Long.BYTES, headerLength, StandardCharsets.UTF_8));
    ByteBuffer data = bytes.slice(Long.BYTES + headerLength, file.length - Long.BYTES - headerLength)
        .order(ByteOrder.LITTLE_ENDIAN);
    Map<String, String> metadata = new LinkedHashMap<>();
    Map<String, Entry> entries = new LinkedHashMap<>();
    header.properties().forEach(field -> {
      if (field.getKey().equals("__metadata__")) {
        field.getValue().properties().forEach(m -> metadata.put(m.getKey(), m.getValue().asText()));
      } else {
        entries.put(field.getKey(), Entry.of(field.getKey(), field.getValue()));
      }
    });
    return new Golden(Collections.unmodifiableMap(metadata), Collections.unmodifiableMap(entries), data);
  }

  /** Sizes and conventions, for example {@code z_dim}. */
  public Map<String, String> metadata() {
    return metadata;
  }

  /** A number of the metadata, for example {@code intMetadata("z_dim")}. */
  public int intMetadata(String key) {
    if (!metadata.containsKey(key)) {
      throw new IllegalArgumentException("no metadata " + key + "; there is " + metadata.keySet());
    }
    return Integer.parseInt(metadata.get(key));
  }

  /** Names of all tensors, in file order. */
  public Set<String> names() {
    return entries.keySet();
  }

  /** The shape of a tensor; empty for a scalar. */
  public long[] shape(String name) {
    return entry(name).shape().clone();
  }

  /** The values of a tensor, row-major; a fresh array. */
  public float[] values(String name) {
    Entry entry = entry(name);
    FloatBuffer floats = data.slice(entry.begin(), entry.end() - entry.begin())
        .order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
    float[] values = new float[floats.remaining()];
    floats.get(values);
    return values;
  }

  private Entry entry(String name) {
    Entry entry = entries.get(name);
    if (entry == null) {
      throw new IllegalArgumentException("no tensor " + name + "; there is " + names());
    }
    return entry;
  }

  private record Entry(long[] shape, int begin, int end) {

    static Entry of(String name, JsonNode node) {
      String type = node.get("dtype").asText();
      if (!type.equals("F32")) {
        throw new IllegalArgumentException("tensor " + name + " has type " + type + "; only F32 is read");
      }
      long[] shape = new long[node.get("shape").size()];
      long elements = 1;
      for (int i = 0; i < shape.length; i++) {
        shape[i] = node.get("shape").get(i).asLong();
        elements *= shape[i];
      }
      int begin = node.get("data_offsets").get(0).asInt();
      int end = node.get("data_offsets").get(1).asInt();
      if (end - begin != elements * Float.BYTES) {
        throw new IllegalArgumentException("tensor " + name + " has " + (end - begin) + " bytes for " + elements
            + " values");
      }
      return new Entry(shape, begin, end);
    }
  }
}
