package dev.lethe.trainer.session;

import com.google.flatbuffers.FlatBufferBuilder;
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
import java.util.List;
import java.util.Map;

/** Writes a checkpoint. FlatBuffers are written back to front: what a table refers to comes before the table. */
final class CheckpointWriter {

  private final FlatBufferBuilder builder;

  CheckpointWriter(int size) {
    builder = new FlatBufferBuilder(size);
  }

  ByteBuffer write(Checkpoint checkpoint) {
    int module = module(checkpoint.parameters());
    int optimizers = CheckpointTable.createOptimizerGroupsVector(builder,
        checkpoint.optimizer().map(state -> new int[] {optimizer(state, checkpoint.parameters())}).orElse(new int[0]));
    int properties = properties(checkpoint.numbers());
    CheckpointTable.finishCheckpointTableBuffer(builder,
        CheckpointTable.createCheckpointTable(builder, CheckpointFormat.VERSION, module, optimizers, properties));
    return builder.dataBuffer();
  }

  private int module(List<Parameter> parameters) {
    int trainable = ModuleTable.createTrainableVector(builder, tensors(parameters, true));
    int frozen = ModuleTable.createFrozenVector(builder, tensors(parameters, false));
    return ModuleTable.createModuleTable(builder, trainable, frozen, false, false);
  }

  private int[] tensors(List<Parameter> parameters, boolean trainable) {
    return parameters.stream()
        .filter(parameter -> parameter.trainable() == trainable)
        .mapToInt(parameter -> tensor(parameter.name(), parameter.shape(), parameter.values()))
        .toArray();
  }

  private int tensor(String name, long[] shape, float[] values) {
    int nameAt = builder.createString(name);
    int dims = TensorTable.createDimsVector(builder, shape);
    // Bytes by the schema, floats to ONNX Runtime: aligned as these.
    builder.createUnintializedVector(1, values.length * Float.BYTES, Float.BYTES)
        .order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().put(values);
    int data = builder.endVector();
    TensorTable.startTensorTable(builder);
    TensorTable.addName(builder, nameAt);
    TensorTable.addDims(builder, dims);
    TensorTable.addType(builder, CheckpointFormat.FLOAT);
    TensorTable.addData(builder, data);
    return TensorTable.endTensorTable(builder);
  }

  private int optimizer(Checkpoint.OptimizerState state, List<Parameter> parameters) {
    List<Integer> states = new ArrayList<>();
    for (Parameter parameter : parameters) {
      Checkpoint.Moments moments = state.moments().get(parameter.name());
      if (moments != null) {
        int name = builder.createString(parameter.name());
        int both = ParameterStateTable.createMomentsVector(builder, new int[] {
            tensor(CheckpointFormat.FIRST, parameter.shape(), moments.first()),
            tensor(CheckpointFormat.SECOND, parameter.shape(), moments.second())});
        states.add(ParameterStateTable.createParameterStateTable(builder, name, both));
      }
    }
    int name = builder.createString(CheckpointFormat.GROUP);
    int all = OptimizerGroupTable.createStatesVector(builder, states.stream().mapToInt(Integer::intValue).toArray());
    return OptimizerGroupTable.createOptimizerGroupTable(builder, name, state.step(), 0, all);
  }

  private int properties(Map<String, Float> numbers) {
    int floats = PropertiesTable.createFloatsVector(builder, numbers.entrySet().stream()
        .mapToInt(entry -> FloatPropertyTable.createFloatPropertyTable(builder,
            builder.createString(entry.getKey()), entry.getValue()))
        .toArray());
    PropertiesTable.startPropertiesTable(builder);
    PropertiesTable.addFloats(builder, floats);
    return PropertiesTable.endPropertiesTable(builder);
  }
}
