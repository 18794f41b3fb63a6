package dev.lethe.models.features;

import static dev.lethe.models.graph.Ops.add;
import static dev.lethe.models.graph.Ops.conv;
import static dev.lethe.models.graph.Ops.gemm;
import static dev.lethe.models.graph.Ops.leakyRelu;
import static dev.lethe.models.graph.Ops.reshape;

import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.Ops.Window;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * The small convolutional classifier in {@code features.onnx}. Its last hidden layer is the feature space of the
 * perceptual loss and of the Fréchet distance; its logits give class accuracy. Each stage is a 3×3 convolution of
 * stride 2 and, but for the last, one of stride 1, down to 4×4; then two fully connected layers.
 *
 * @param resolution height and width of an image, a power of two from 32
 * @param channels 1 or 3
 * @param classes number of logits; 0 for features alone
 * @param size how wide its layers are
 */
public record FeatureNetwork(int resolution, int channels, int classes, Size size) implements FeatureSpace {

  /** Widths of the layers: small for digits, large for natural images, at about ten times the cost. */
  public enum Size {
    SMALL(0, 32, 128),
    LARGE(48, 96, 192);

    /** Feature maps of a convolution at the image's own resolution before the first stage; 0: there is none. */
    private final int stem;
    private final int first;
    private final int most;

    Size(int stem, int first, int most) {
      this.stem = stem;
      this.first = first;
      this.most = most;
    }

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Number of features, F. */
  public static final int FEATURES = 128;
  private static final int LAST_RESOLUTION = 4;
  private static final double SLOPE = 0.1;

  public FeatureNetwork {
    if (resolution < 2 * LAST_RESOLUTION || Integer.bitCount(resolution) != 1) {
      throw new IllegalArgumentException("resolution " + resolution + " is not a power of two from 8");
    }
  }

  /** The small one. */
  public FeatureNetwork(int resolution, int channels, int classes) {
    this(resolution, channels, classes, Size.SMALL);
  }

  /** Whether these are its parameters, all of them in their shapes. */
  public boolean fits(Map<String, Tensor> weights) {
    Map<String, Value> parameters = graph().parameters();
    return weights.keySet().equals(parameters.keySet()) && parameters.entrySet().stream()
        .allMatch(entry -> Arrays.equals(entry.getValue().shape(), weights.get(entry.getKey()).shape()));
  }

  @Override
  public int width() {
    return FEATURES;
  }

  @Override
  public Outputs apply(Graph g, Value image) {
    Value x = size.stem == 0 ? image : layer(g, "F.stem", image, size.stem, 1);
    int width = size.first;
    for (int r = resolution; r > LAST_RESOLUTION; r /= 2) {
      x = layer(g, "F.conv" + r + ".down", x, width, 2);
      if (r / 2 > LAST_RESOLUTION) {
        x = layer(g, "F.conv" + r + ".same", x, width, 1);
      }
      width = Math.min(2 * width, size.most);
    }
    x = reshape(x, x.dim(0), x.dim(1) * x.dim(2) * x.dim(3));
    Value features = leakyRelu(fullyConnected(g, "F.features", x, FEATURES), SLOPE);
    return new Outputs(features, classes == 0 ? null : fullyConnected(g, "F.logits", features, classes));
  }

  private static Value layer(Graph g, String name, Value x, int width, int stride) {
    Value weight = g.parameter(name + ".weight", width, x.dim(1), 3, 3);
    Value bias = g.parameter(name + ".bias", width);
    return leakyRelu(add(conv(x, weight, new Window(stride, 1, 1, 1)), reshape(bias, 1, width, 1, 1)), SLOPE);
  }

  private static Value fullyConnected(Graph g, String name, Value x, int width) {
    Value weight = g.parameter(name + ".weight", width, x.dim(1));
    return add(gemm(x, weight, false, true, 1), g.parameter(name + ".bias", width));
  }

  /** Random weights after He et al. 2015, eq. 14; biases 0. */
  public Map<String, Tensor> initialize(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Map<String, Tensor> weights = new LinkedHashMap<>();
    graph().parameters().forEach((name, value) -> {
      Tensor tensor = Tensor.zeros(value.shape());
      if (value.rank() > 1) {
        double deviation = Math.sqrt(2.0 * value.dim(0) / ((1 + SLOPE * SLOPE) * value.size()));
        for (int i = 0; i < tensor.data().length; i++) {
          tensor.data()[i] = (float) (random.nextGaussian() * deviation);
        }
      }
      weights.put(name, tensor);
    });
    return weights;
  }
}
