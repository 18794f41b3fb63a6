package dev.lethe.server.openinference;

import com.google.protobuf.ByteString;
import dev.lethe.inference.InferParameter;
import dev.lethe.inference.InferTensorContents;
import dev.lethe.inference.ModelInferRequest;
import dev.lethe.inference.ModelInferRequest.InferInputTensor;
import dev.lethe.server.errors.DomainException;
import dev.lethe.server.errors.DomainException.Invalid;
import dev.lethe.server.registry.ClassLabels;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * An input of a request. Its values are read from the typed contents, or from the raw ones: row-major, little-endian.
 * Every error is Invalid and names the tensor, what it should be and what it is.
 */
final class InputTensor {

  private static final String SHARED_MEMORY = "shared_memory_region";

  private final InferInputTensor tensor;
  /** Null: the contents are typed. */
  private final ByteString raw;

  private InputTensor(InferInputTensor tensor, ByteString raw) {
    this.tensor = tensor;
    this.raw = raw;
  }

  /** The inputs of a request by name, in its order. */
  static Map<String, InputTensor> of(ModelInferRequest request) {
    int raws = request.getRawInputContentsCount();
    if (raws > 0 && raws != request.getInputsCount()) {
      throw new Invalid("raw_input_contents: there are " + raws + " for " + request.getInputsCount()
          + " inputs; give one for each, or none and use contents");
    }
    Map<String, InputTensor> inputs = new LinkedHashMap<>();
    for (int i = 0; i < request.getInputsCount(); i++) {
      InferInputTensor tensor = request.getInputs(i);
      InputTensor input = new InputTensor(tensor, raws > 0 ? request.getRawInputContents(i) : null);
      refuseSharedMemory("input", tensor.getName(), tensor.getParametersMap());
      if (raws > 0 && tensor.hasContents()) {
        throw input.wrong("has contents, and the request has raw_input_contents; use one of them");
      }
      if (inputs.put(tensor.getName(), input) != null) {
        throw input.wrong("is given twice");
      }
    }
    return inputs;
  }

  static void refuseSharedMemory(String kind, String name, Map<String, InferParameter> parameters) {
    if (parameters.containsKey(SHARED_MEMORY)) {
      throw new Invalid(kind + " \"" + ClassLabels.abbreviate(name)
          + "\": shared memory is not supported; send and take"
          + " values in the messages");
    }
  }

  Datatype datatype(Datatype... allowed) {
    for (Datatype type : allowed) {
      if (type.name().equals(tensor.getDatatype())) {
        return type;
      }
    }
    throw wrong("expected datatype " + String.join(" or ", List.of(allowed).stream().map(Datatype::name).toList())
        + ", got " + ClassLabels.abbreviate(tensor.getDatatype()));
  }

  List<Long> shape() {
    return tensor.getShapeList();
  }

  /** @param expected in words, such as {@code [n, 64], n from 1 to 256} */
  DomainException wrongShape(String expected) {
    return wrong("expected shape " + expected + ", got " + shape());
  }

  DomainException wrong(String what) {
    return new Invalid("input \"" + ClassLabels.abbreviate(tensor.getName()) + "\": " + what);
  }

  /**
   * The values of an FP32 tensor.
   *
   * @param rows how many there are
   * @param length of each
   * @throws DomainException also if one is not finite
   */
  float[][] floats(int rows, int length) {
    FloatBuffer values = floats((long) rows * length);
    float[][] all = new float[rows][length];
    for (int row = 0; row < rows; row++) {
      values.get(all[row]);
      for (int i = 0; i < length; i++) {
        if (!Float.isFinite(all[row][i])) {
          throw wrong("value " + i + " of image " + row + " is " + all[row][i] + "; it must be finite");
        }
      }
    }
    return all;
  }

  private FloatBuffer floats(long count) {
    if (raw != null) {
      return raw(count, Float.BYTES).asFloatBuffer();
    }
    InferTensorContents contents = tensor.getContents();
    requireTyped(contents.getFp32ContentsCount(), count, "fp32_contents");
    FloatBuffer values = FloatBuffer.allocate((int) count);
    for (int i = 0; i < count; i++) {
      values.put(contents.getFp32Contents(i));
    }
    return values.flip();
  }

  /** The values of an INT64 tensor. */
  long[] longs(int count) {
    long[] values = new long[count];
    if (raw != null) {
      raw(count, Long.BYTES).asLongBuffer().get(values);
      return values;
    }
    InferTensorContents contents = tensor.getContents();
    requireTyped(contents.getInt64ContentsCount(), count, "int64_contents");
    for (int i = 0; i < count; i++) {
      values[i] = contents.getInt64Contents(i);
    }
    return values;
  }

  /** The values of a BYTES tensor, as text in UTF-8. */
  List<String> texts(int count) {
    if (raw != null) {
      return rawTexts(count);
    }
    List<ByteString> contents = tensor.getContents().getBytesContentsList();
    requireTyped(contents.size(), count, "bytes_contents");
    return contents.stream().map(ByteString::toStringUtf8).toList();
  }

  private List<String> rawTexts(int count) {
    List<String> texts = new ArrayList<>(count);
    ByteBuffer bytes = raw.asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    while (bytes.remaining() >= Integer.BYTES && texts.size() < count) {
      int length = bytes.getInt();
      if (length < 0 || length > bytes.remaining()) {
        throw wrong("value " + texts.size() + " says that it has " + Integer.toUnsignedLong(length) + " bytes, and "
            + bytes.remaining() + " are left");
      }
      texts.add(StandardCharsets.UTF_8.decode(bytes.slice().limit(length)).toString());
      bytes.position(bytes.position() + length);
    }
    if (texts.size() < count || bytes.hasRemaining()) {
      throw wrong("its shape " + shape() + " needs " + count + " values, each after its length in 4 bytes; there are "
          + texts.size() + ", with " + bytes.remaining() + " bytes left over");
    }
    return texts;
  }

  private ByteBuffer raw(long count, int bytes) {
    if (raw.size() != count * bytes) {
      throw wrong("its shape " + shape() + " needs " + count * bytes + " bytes, and raw_input_contents has "
          + raw.size());
    }
    return raw.asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }

  private void requireTyped(int given, long needed, String field) {
    if (given != needed) {
      throw wrong("its shape " + shape() + " needs " + needed + " values, and contents." + field + " has " + given);
    }
  }
}
