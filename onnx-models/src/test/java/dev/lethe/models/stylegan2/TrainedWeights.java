package dev.lethe.models.stylegan2;

import dev.lethe.models.graph.Tensor;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;

/** Weights as training leaves them: the first ones have neither noise nor biases nor an average w. */
final class TrainedWeights {

  private TrainedWeights() {}

  static Map<String, Tensor> of(StyleGan2Config config) {
    SplittableRandom random = new SplittableRandom(7);
    Map<String, Tensor> weights = new HashMap<>();
    Weights.initialize(config, 3).forEach((name, tensor) -> {
      float[] data = tensor.data().clone();
      if (name.endsWith("bias") || name.endsWith("noise_strength") || name.endsWith("w_avg")) {
        for (int i = 0; i < data.length; i++) {
          data[i] += (float) random.nextGaussian(0, 0.3);
        }
      }
      weights.put(name, new Tensor(tensor.shape(), data));
    });
    return weights;
  }
}
