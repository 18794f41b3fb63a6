package dev.lethe.models.stylegan2;

import dev.lethe.models.golden.Golden;
import dev.lethe.models.graph.Tensor;
import java.util.HashMap;
import java.util.Map;

/** The networks that the reference numbers are of. */
public final class GoldenNetworks {

  private final Golden golden;
  private final StyleGan2Config config;

  public GoldenNetworks(String name) {
    golden = Golden.load(name);
    config = new StyleGan2Config(golden.intMetadata("resolution"), golden.intMetadata("img_channels"),
        golden.intMetadata("c_dim"), golden.intMetadata("z_dim"), golden.intMetadata("w_dim"),
        golden.intMetadata("mapping_layers"), golden.intMetadata("channel_base"), golden.intMetadata("channel_max"));
  }

  public StyleGan2Config config() {
    return config;
  }

  public int batch() {
    return golden.intMetadata("batch");
  }

  public Tensor tensor(String name) {
    return new Tensor(golden.shape(name), golden.values(name));
  }

  public boolean has(String name) {
    return golden.names().contains(name);
  }

  /** Every parameter of both networks. */
  public Map<String, Tensor> weights() {
    Map<String, Tensor> weights = new HashMap<>();
    for (String name : golden.names()) {
      if (name.startsWith("G.") || name.startsWith("D.")) {
        weights.put(name, tensor(name));
      }
    }
    return weights;
  }

  /** {@code z} and, for a conditional network, {@code c}. */
  public Map<String, Tensor> inputs() {
    Map<String, Tensor> inputs = new HashMap<>();
    inputs.put("z", tensor("in.z"));
    if (config.conditional()) {
      inputs.put("c", tensor("in.c"));
    }
    return inputs;
  }

  /** ‖a − b‖ / ‖b‖. */
  public static double relativeError(float[] a, float[] b) {
    float[] difference = new float[b.length];
    for (int i = 0; i < b.length; i++) {
      difference[i] = a[i] - b[i];
    }
    return norm(difference) / norm(b);
  }

  /** ‖a‖. */
  public static double norm(float[] a) {
    double squares = 0;
    for (float v : a) {
      squares += (double) v * v;
    }
    return Math.sqrt(squares);
  }
}
