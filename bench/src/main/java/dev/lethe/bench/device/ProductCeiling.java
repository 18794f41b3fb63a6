package dev.lethe.bench.device;

import dev.lethe.models.graph.DataType;
import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.OnnxWriter;
import dev.lethe.models.graph.Ops;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import dev.lethe.models.runtime.Compute;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.models.runtime.InferenceSession;
import java.util.Map;
import java.util.SplittableRandom;

/** The rate of a chain of products of large matrices, which are made on the device. */
final class ProductCeiling implements Step.Measurement {

  private static final int SIZE = 8192;
  private static final int SMALL_SIZE = 256;
  private static final int PRODUCTS = 8;
  private static final double SECONDS = 1.5;

  @Override
  public void run(Setting setting) throws Exception {
    for (Setting.Arithmetic arithmetic : setting.floats()) {
      measure(setting, arithmetic.name(), arithmetic.device(), DataType.FLOAT);
    }
    measure(setting, "fp16", setting.device(), DataType.FLOAT16);
  }

  private static void measure(Setting setting, String name, ExecutionDevice device, DataType type) throws Exception {
    int size = setting.small() ? SMALL_SIZE : SIZE;
    try (InferenceSession session =
        InferenceSession.open(OnnxWriter.inference(chain(size, type), Map.of()),
            new Compute(device, setting.threads()))) {
      Map<String, Tensor> one = Map.of("one", Tensor.of(new float[] {1}, 1));
      double seconds = Timing.median(SECONDS, () -> session.run(one)) / PRODUCTS;
      setting.row(Figures.ARITHMETIC, name, "size", (long) size, Figures.MILLIS, 1e3 * seconds,
          Figures.TERAFLOPS, Figures.teraflops(Math.pow(size, 3) / seconds));
    }
  }

  /**
   * v vᵗ times v vᵗ / |v|², again and again: always v vᵗ, whose mean is the output, so values stay in half precision's
   * range. An input keeps ONNX Runtime from computing all of it when it opens the session.
   */
  static Graph chain(int size, DataType type) {
    SplittableRandom random = new SplittableRandom(1);
    float[] v = new float[size];
    double square = 0;
    for (int i = 0; i < size; i++) {
      v[i] = (float) random.nextGaussian();
      square += v[i] * v[i];
    }
    Graph g = new Graph("products");
    Value one = g.input("one", 1);
    Value column = Ops.mul(g.constant(Tensor.of(v, size, 1)), one);
    Value row = g.constant(Tensor.of(v, 1, size));
    Value x = Ops.cast(Ops.mul(column, row), type);
    Value projection = Ops.cast(Ops.mul(Ops.mul(column, row), 1 / square), type);
    for (int i = 0; i < PRODUCTS; i++) {
      x = Ops.matmul(x, projection);
    }
    g.output("mean", Ops.mean(Ops.cast(x, DataType.FLOAT)));
    return g;
  }
}
