package dev.lethe.bench.convolution;

import dev.lethe.bench.measure.Turns;
import dev.lethe.bench.model.BenchModel;
import dev.lethe.models.graph.OnnxWriter;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.Compute;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.models.runtime.InferenceSession;
import dev.lethe.models.stylegan2.StyleGan2Config;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * The modulated convolution as the server computes it and as bundles have it against the grouped one of an ordinary
 * export: whole synthesis networks, the same weights, the same latents, in turns.
 */
public final class ConvolutionComparison {

  /** The largest difference of two pixels, of a range of 2, that rounding explains. */
  private static final double ROUNDING = 1e-2;

  /**
   * What was measured.
   *
   * @param batch images in a run
   * @param servedMillis of an image as the server computes it
   * @param bundleMillis as the bundle has it
   * @param groupedMillis with the grouped form
   * @param served the grouped form's time by the server's
   * @param bundle the grouped form's time by the bundle's
   * @param difference the largest between two pixels, in units of the largest pixel
   */
  public record Result(String model, int batch, double servedMillis, double bundleMillis, double groupedMillis,
      Turns.Ratio served, Turns.Ratio bundle, double difference) {}

  private ConvolutionComparison() {}

  /**
   * Compares them.
   *
   * @param seconds of each form at least, over all turns
   * @throws IllegalStateException if they draw different images
   */
  public static Result of(BenchModel model, int batch, ExecutionDevice device, int threads, int turns, double seconds)
      throws IOException {
    StyleGan2Config config = StyleGan2Config.of(model.bundle().card());
    Map<String, Tensor> weights = model.weights();
    Map<String, Tensor> ws = Map.of("ws", latents(config, batch));
    try (InferenceSession served = model.served(device, threads);
        InferenceSession bundle = InferenceSession.open(model.bundle().synthesis(), new Compute(device, threads));
        InferenceSession grouped = InferenceSession.open(
            OnnxWriter.inference(GroupedSynthesis.graph(config, batch), weights), new Compute(device, threads))) {
      float[] image = grouped.run(ws).get("image").data();
      double difference = Math.max(difference(served.run(ws).get("image").data(), image),
          difference(bundle.run(ws).get("image").data(), image));
      if (!(difference < ROUNDING)) {
        throw new IllegalStateException("the forms of " + model.title() + " draw different images: "
            + difference + " apart");
      }
      List<double[]> millis = Turns.take(turns, seconds / turns, () -> served.run(ws), () -> bundle.run(ws),
          () -> grouped.run(ws));
      return new Result(model.title(), batch, Turns.median(millis, 0) / batch, Turns.median(millis, 1) / batch,
          Turns.median(millis, 2) / batch, Turns.ratio(millis, 2, 0), Turns.ratio(millis, 2, 1), difference);
    }
  }

  private static Tensor latents(StyleGan2Config config, int batch) {
    SplittableRandom random = new SplittableRandom(1);
    Tensor ws = Tensor.zeros(batch, config.numWs(), config.wDim());
    for (int i = 0; i < ws.data().length; i++) {
      ws.data()[i] = (float) random.nextDouble(-1, 1);
    }
    return ws;
  }

  private static double difference(float[] a, float[] b) {
    double largest = 0;
    double most = 0;
    for (int i = 0; i < a.length; i++) {
      largest = Math.max(largest, Math.abs(a[i]));
      most = Math.max(most, Math.abs(a[i] - b[i]));
    }
    return most / largest;
  }
}
