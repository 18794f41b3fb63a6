package dev.lethe.trainer.session;

import static dev.lethe.trainer.session.CheckpointSchema.*;

import com.google.flatbuffers.Table;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/** Reads a checkpoint: each instance is one table, its fields found by slot; a missing field is its type's zero. */
final class CheckpointReader extends Table {

  private CheckpointReader(ByteBuffer bytes, int position) {
    __reset(position, bytes);
  }

  static Checkpoint read(ByteBuffer bytes) {
    CheckpointReader root = new CheckpointReader(bytes, bytes.getInt(0));
    int version = root.integer(CHECKPOINT_VERSION);
    if (version != VERSION) {
      throw new IllegalArgumentException("its format version is " + version + ", this program reads " + VERSION);
    }
    List<Parameter> parameters = new ArrayList<>();
    root.table(CHECKPOINT_MODULE).ifPresent(module -> {
      if (module.flag(MODULE_EXTERNAL_DATA)) {
        throw new IllegalArgumentException("its tensors are in another file, as for models above 2 GiB");
      }
      parameters.addAll(module.tables(MODULE_TRAINABLE, tensor -> tensor.parameter(true)));
      parameters.addAll(module.tables(MODULE_FROZEN, tensor -> tensor.parameter(false)));
    });
    Optional<Checkpoint.OptimizerState> optimizer =
        root.tables(CHECKPOINT_OPTIMIZERS, CheckpointReader::optimizer).stream().findFirst();
    Map<String, Float> numbers = new LinkedHashMap<>();
    root.table(CHECKPOINT_PROPERTIES).ifPresent(properties ->
        properties.tables(PROPERTIES_FLOATS, property ->
            numbers.put(property.string(PROPERTY_NAME), property.number(PROPERTY_VALUE))));
    return new Checkpoint(parameters, optimizer, numbers);
  }

  private Parameter parameter(boolean trainable) {
    return new Parameter(string(TENSOR_NAME), longs(TENSOR_DIMS), tensorValues(), trainable);
  }

  private float[] tensorValues() {
    int type = integer(TENSOR_TYPE);
    if (type != FLOAT) {
      throw new IllegalArgumentException(
          "tensor " + string(TENSOR_NAME) + " has the ONNX type " + type + ", only float32 is read");
    }
    int at = __offset(offset(TENSOR_DATA));
    if (at == 0) {
      return new float[0];
    }
    float[] values = new float[__vector_len(at) / Float.BYTES];
    bb.duplicate().order(ByteOrder.LITTLE_ENDIAN).position(__vector(at)).slice().order(ByteOrder.LITTLE_ENDIAN)
        .asFloatBuffer().get(values);
    return values;
  }

  private Checkpoint.OptimizerState optimizer() {
    long step = 0;
    int at = __offset(offset(GROUP_STEP));
    if (at != 0) {
      step = bb.getLong(bb_pos + at);
    }
    Map<String, Checkpoint.Moments> moments = new LinkedHashMap<>();
    tables(GROUP_STATES, state -> {
      Map<String, float[]> named = new LinkedHashMap<>();
      state.tables(STATE_MOMENTS,
          tensor -> named.put(tensor.string(TENSOR_NAME), tensor.tensorValues()));
      return moments.put(
          state.string(STATE_PARAMETER), new Checkpoint.Moments(named.get(FIRST), named.get(SECOND)));
    });
    return new Checkpoint.OptimizerState(step, moments);
  }

  private static int offset(int slot) {
    return 4 + 2 * slot;
  }

  private int integer(int slot) {
    int at = __offset(offset(slot));
    return at == 0 ? 0 : bb.getInt(bb_pos + at);
  }

  private boolean flag(int slot) {
    int at = __offset(offset(slot));
    return at != 0 && bb.get(bb_pos + at) != 0;
  }

  private float number(int slot) {
    int at = __offset(offset(slot));
    return at == 0 ? 0 : bb.getFloat(bb_pos + at);
  }

  private String string(int slot) {
    int at = __offset(offset(slot));
    return at == 0 ? "" : __string(bb_pos + at);
  }

  private long[] longs(int slot) {
    int at = __offset(offset(slot));
    long[] values = new long[at == 0 ? 0 : __vector_len(at)];
    for (int i = 0; i < values.length; i++) {
      values[i] = bb.getLong(__vector(at) + i * Long.BYTES);
    }
    return values;
  }

  private Optional<CheckpointReader> table(int slot) {
    int at = __offset(offset(slot));
    return at == 0 ? Optional.empty() : Optional.of(new CheckpointReader(bb, __indirect(bb_pos + at)));
  }

  private <T> List<T> tables(int slot, Function<CheckpointReader, T> read) {
    int at = __offset(offset(slot));
    List<T> values = new ArrayList<>();
    for (int i = 0; at != 0 && i < __vector_len(at); i++) {
      values.add(read.apply(new CheckpointReader(bb, __indirect(__vector(at) + i * Integer.BYTES))));
    }
    return values;
  }
}
