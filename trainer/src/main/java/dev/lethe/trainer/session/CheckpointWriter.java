package dev.lethe.trainer.session;

import static dev.lethe.trainer.session.CheckpointSchema.*;

import com.google.flatbuffers.FlatBufferBuilder;
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
    int optimizers = builder.createVectorOfTables(
        checkpoint.optimizer().map(state -> new int[] {optimizer(state, checkpoint.parameters())}).orElse(new int[0]));
    int properties = properties(checkpoint.numbers());
    builder.startTable(CHECKPOINT_FIELDS);
    builder.addInt(CHECKPOINT_VERSION, VERSION, 0);
    builder.addOffset(CHECKPOINT_MODULE, module, 0);
    builder.addOffset(CHECKPOINT_OPTIMIZERS, optimizers, 0);
    builder.addOffset(CHECKPOINT_PROPERTIES, properties, 0);
    builder.finish(builder.endTable(), IDENTIFIER);
    return builder.dataBuffer();
  }

  private int module(List<Parameter> parameters) {
    int trainable = tensors(parameters, true);
    int frozen = tensors(parameters, false);
    builder.startTable(MODULE_FIELDS);
    builder.addOffset(MODULE_TRAINABLE, trainable, 0);
    builder.addOffset(MODULE_FROZEN, frozen, 0);
    return builder.endTable();
  }

  private int tensors(List<Parameter> parameters, boolean trainable) {
    return builder.createVectorOfTables(parameters.stream()
        .filter(parameter -> parameter.trainable() == trainable)
        .mapToInt(parameter -> tensor(parameter.name(), parameter.shape(), parameter.values()))
        .toArray());
  }

  private int tensor(String name, long[] shape, float[] values) {
    int nameAt = builder.createString(name);
    builder.startVector(Long.BYTES, shape.length, Long.BYTES);
    for (int i = shape.length - 1; i >= 0; i--) {
      builder.addLong(shape[i]);
    }
    int dims = builder.endVector();
    builder.createUnintializedVector(1, values.length * Float.BYTES, Float.BYTES)
        .order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().put(values);
    int data = builder.endVector();
    builder.startTable(TENSOR_FIELDS);
    builder.addOffset(TENSOR_NAME, nameAt, 0);
    builder.addOffset(TENSOR_DIMS, dims, 0);
    builder.addInt(TENSOR_TYPE, FLOAT, 0);
    builder.addOffset(TENSOR_DATA, data, 0);
    return builder.endTable();
  }

  private int optimizer(Checkpoint.OptimizerState state, List<Parameter> parameters) {
    List<Integer> states = new ArrayList<>();
    for (Parameter parameter : parameters) {
      Checkpoint.Moments moments = state.moments().get(parameter.name());
      if (moments != null) {
        int name = builder.createString(parameter.name());
        int both = builder.createVectorOfTables(new int[] {
            tensor(FIRST, parameter.shape(), moments.first()),
            tensor(SECOND, parameter.shape(), moments.second())});
        builder.startTable(STATE_FIELDS);
        builder.addOffset(STATE_PARAMETER, name, 0);
        builder.addOffset(STATE_MOMENTS, both, 0);
        states.add(builder.endTable());
      }
    }
    int name = builder.createString(GROUP);
    int all = builder.createVectorOfTables(states.stream().mapToInt(Integer::intValue).toArray());
    builder.startTable(GROUP_FIELDS);
    builder.addOffset(GROUP_NAME, name, 0);
    builder.addLong(GROUP_STEP, state.step(), 0);
    builder.addOffset(GROUP_STATES, all, 0);
    return builder.endTable();
  }

  private int properties(Map<String, Float> numbers) {
    int floats = builder.createVectorOfTables(numbers.entrySet().stream().mapToInt(entry -> {
      int name = builder.createString(entry.getKey());
      builder.startTable(PROPERTY_FIELDS);
      builder.addOffset(PROPERTY_NAME, name, 0);
      builder.addFloat(PROPERTY_VALUE, entry.getValue(), 0);
      return builder.endTable();
    }).toArray());
    builder.startTable(PROPERTIES_FIELDS);
    builder.addOffset(PROPERTIES_FLOATS, floats, 0);
    return builder.endTable();
  }
}
