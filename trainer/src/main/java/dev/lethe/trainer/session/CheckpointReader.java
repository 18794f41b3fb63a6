package dev.lethe.trainer.session;

import dev.lethe.trainer.session.format.CheckpointTable;
import dev.lethe.trainer.session.format.FloatPropertyTable;
import dev.lethe.trainer.session.format.ModuleTable;
import dev.lethe.trainer.session.format.OptimizerGroupTable;
import dev.lethe.trainer.session.format.ParameterStateTable;
import dev.lethe.trainer.session.format.PropertiesTable;
import dev.lethe.trainer.session.format.TensorTable;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Reads a checkpoint. A table or vector that is missing is as good as an empty one. */
final class CheckpointReader {

  private CheckpointReader() {}

  /** @throws IllegalArgumentException if it is of another version, or has what is not read here */
  static Checkpoint read(ByteBuffer bytes) {
    CheckpointTable root = CheckpointTable.getRootAsCheckpointTable(bytes);
    if (root.version() != CheckpointFormat.VERSION) {
      throw new IllegalArgumentException("its format version is " + root.version() + ", this program reads "
          + CheckpointFormat.VERSION);
    }
    Optional<Checkpoint.OptimizerState> optimizer = root.optimizerGroupsLength() == 0 ? Optional.empty()
        : Optional.of(optimizer(root.optimizerGroups(0)));
    return new Checkpoint(parameters(root.module()), optimizer, numbers(root.properties()));
  }

  private static List<Parameter> parameters(@Nullable ModuleTable module) {
    List<Parameter> parameters = new ArrayList<>();
    if (module == null) {
      return parameters;
    }
    if (module.externalData()) {
      throw new IllegalArgumentException("its tensors are in another file, as for models above 2 GiB");
    }
    for (int i = 0; i < module.trainableLength(); i++) {
      parameters.add(parameter(module.trainable(i), true));
    }
    for (int i = 0; i < module.frozenLength(); i++) {
      parameters.add(parameter(module.frozen(i), false));
    }
    return parameters;
  }

  private static Parameter parameter(TensorTable tensor, boolean trainable) {
    long[] shape = new long[tensor.dimsLength()];
    for (int axis = 0; axis < shape.length; axis++) {
      shape[axis] = tensor.dims(axis);
    }
    return new Parameter(text(tensor.name()), shape, values(tensor), trainable);
  }

  private static float[] values(TensorTable tensor) {
    if (tensor.type() != CheckpointFormat.FLOAT) {
      throw new IllegalArgumentException(
          "tensor " + text(tensor.name()) + " has the ONNX type " + tensor.type() + ", only float32 is read");
    }
    ByteBuffer data = tensor.dataAsByteBuffer();
    if (data == null) {
      return new float[0];
    }
    float[] values = new float[data.remaining() / Float.BYTES];
    data.order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
    return values;
  }

  private static Checkpoint.OptimizerState optimizer(OptimizerGroupTable group) {
    Map<String, Checkpoint.Moments> moments = new LinkedHashMap<>();
    for (int i = 0; i < group.statesLength(); i++) {
      ParameterStateTable state = group.states(i);
      Map<String, float[]> named = new LinkedHashMap<>();
      for (int j = 0; j < state.momentsLength(); j++) {
        named.put(text(state.moments(j).name()), values(state.moments(j)));
      }
      moments.put(text(state.parameter()),
          new Checkpoint.Moments(named.get(CheckpointFormat.FIRST), named.get(CheckpointFormat.SECOND)));
    }
    return new Checkpoint.OptimizerState(group.step(), moments);
  }

  private static Map<String, Float> numbers(@Nullable PropertiesTable properties) {
    Map<String, Float> numbers = new LinkedHashMap<>();
    for (int i = 0; properties != null && i < properties.floatsLength(); i++) {
      FloatPropertyTable number = properties.floats(i);
      numbers.put(text(number.name()), number.value());
    }
    return numbers;
  }

  private static String text(@Nullable String found) {
    return found == null ? "" : found;
  }
}
