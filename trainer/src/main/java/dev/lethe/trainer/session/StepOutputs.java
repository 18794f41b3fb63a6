package dev.lethe.trainer.session;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtSession;
import java.nio.FloatBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** What a step computed, copied to the Java heap: float32 tensors by output name, row-major. */
public final class StepOutputs {

  private final Map<String, float[]> values;

  StepOutputs(Map<String, float[]> values) {
    this.values = values;
  }

  /**
   * Copies outputs of a run.
   *
   * @throws IllegalArgumentException if one is not float32
   */
  static StepOutputs of(OrtSession.Result result, Set<String> names) {
    Map<String, float[]> values = new LinkedHashMap<>();
    for (Map.Entry<String, OnnxValue> output : result) {
      if (names.contains(output.getKey())) {
        FloatBuffer floats = output.getValue() instanceof OnnxTensor tensor ? tensor.getFloatBuffer() : null;
        if (floats == null) {
          throw new IllegalArgumentException(
              "Output " + output.getKey() + " is " + output.getValue().getInfo() + ", only float32 tensors are read.");
        }
        values.put(output.getKey(), floats.array());
      }
    }
    return new StepOutputs(values);
  }

  public Set<String> names() {
    return values.keySet();
  }

  /**
   * All values of an output.
   *
   * @throws IllegalArgumentException if there is no such output
   */
  public float[] floats(String name) {
    float[] found = values.get(name);
    if (found == null) {
      throw new IllegalArgumentException("There is no output " + name + ", only " + names() + ".");
    }
    return found;
  }

  /**
   * The only value of an output.
   *
   * @throws IllegalArgumentException if there is no such output or it has more values than one
   */
  public float scalar(String name) {
    float[] found = floats(name);
    if (found.length != 1) {
      throw new IllegalArgumentException("Output " + name + " has " + found.length + " values, not one.");
    }
    return found[0];
  }
}
