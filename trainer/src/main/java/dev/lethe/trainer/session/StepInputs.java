package dev.lethe.trainer.session;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.NativeRuntime;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The inputs of a step, by name, copied into native memory. They may serve many steps; a {@code put} replaces an input
 * and frees the old one. Close them when done. Not thread-safe.
 */
public final class StepInputs implements AutoCloseable {

  private final OrtEnvironment environment = NativeRuntime.load().environment();
  private final Map<String, OnnxTensor> tensors = new LinkedHashMap<>();

  /** Makes a tensor. */
  private interface Source {
    OnnxTensor tensor() throws OrtException;
  }

  /** A float32 tensor; no dimensions make a scalar. */
  public StepInputs put(String name, float[] values, long... shape) {
    return put(name, () -> OnnxTensor.createTensor(environment, FloatBuffer.wrap(values), shape));
  }

  /** An int64 tensor; no dimensions make a scalar. */
  public StepInputs put(String name, long[] values, long... shape) {
    return put(name, () -> OnnxTensor.createTensor(environment, LongBuffer.wrap(values), shape));
  }

  /** A bool tensor of shape [1]. */
  public StepInputs put(String name, boolean value) {
    return put(name, () -> OnnxTensor.createTensor(environment, new boolean[] {value}));
  }

  /** Float and bool tensors; those of other names stay. */
  void putAll(Map<String, Tensor> floats, Map<String, Boolean> flags) {
    floats.forEach((name, tensor) -> put(name, tensor.data(), tensor.shape()));
    flags.forEach(this::put);
  }

  private StepInputs put(String name, Source source) {
    try {
      OnnxTensor old = tensors.put(name, source.tensor());
      if (old != null) {
        old.close();
      }
      return this;
    } catch (OrtException e) {
      throw new TrainingException("Input " + name, e);
    }
  }

  /** The tensors by name; valid until they are replaced or this is closed. */
  public Map<String, OnnxTensor> tensors() {
    return Collections.unmodifiableMap(tensors);
  }

  @Override
  public void close() {
    tensors.values().forEach(OnnxTensor::close);
    tensors.clear();
  }
}
