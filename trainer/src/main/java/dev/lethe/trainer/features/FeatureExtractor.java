package dev.lethe.trainer.features;

import ai.onnx.proto.OnnxMl.ModelProto;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.models.runtime.InferenceSession;
import dev.lethe.trainer.data.ImageDataset;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.IntStream;

/** Runs a {@code features.onnx}. Safe for use by many threads. */
public final class FeatureExtractor implements AutoCloseable {

  private static final int BATCH = 250;

  /**
   * What the network makes of images.
   *
   * @param features [N, F]
   * @param logits [N, classes]
   */
  public record Outputs(Tensor features, Tensor logits) {

    /** The class of each image: that of the greatest logit. */
    public int[] predictions() {
      int classes = (int) logits.shape()[1];
      int[] predictions = new int[(int) logits.shape()[0]];
      for (int i = 0; i < predictions.length; i++) {
        for (int c = 1; c < classes; c++) {
          if (logits.data()[i * classes + c] > logits.data()[i * classes + predictions[i]]) {
            predictions[i] = c;
          }
        }
      }
      return predictions;
    }
  }

  private final InferenceSession session;

  private FeatureExtractor(InferenceSession session) {
    this.session = session;
  }

  public static FeatureExtractor open(Path file, ExecutionDevice device, int threads) {
    return new FeatureExtractor(InferenceSession.open(file, device, threads));
  }

  public static FeatureExtractor open(ModelProto model, ExecutionDevice device, int threads) {
    return new FeatureExtractor(InferenceSession.open(model, device, threads));
  }

  /** Any number of images, [N, C, H, W] in [-1, 1]. */
  public Outputs run(Tensor images) {
    int n = (int) images.shape()[0];
    int imageSize = n == 0 ? 0 : images.data().length / n;
    float[][] parts = new float[2][];
    long[] widths = new long[2];
    for (int from = 0; from < n; from += BATCH) {
      int to = Math.min(from + BATCH, n);
      long[] shape = images.shape().clone();
      shape[0] = to - from;
      Tensor batch = from == 0 && to == n
          ? images
          : new Tensor(shape, Arrays.copyOfRange(images.data(), from * imageSize, to * imageSize));
      Map<String, Tensor> outputs = session.run(Map.of("image", batch));
      Tensor[] made = {outputs.get("features"), outputs.get("logits")};
      for (int k = 0; k < made.length; k++) {
        widths[k] = made[k].shape()[1];
        if (parts[k] == null) {
          parts[k] = new float[(int) (n * widths[k])];
        }
        System.arraycopy(made[k].data(), 0, parts[k], (int) (from * widths[k]), made[k].data().length);
      }
    }
    if (n == 0) {
      throw new IllegalArgumentException("no images");
    }
    return new Outputs(Tensor.of(parts[0], n, widths[0]), Tensor.of(parts[1], n, widths[1]));
  }

  /** All images of a data set, in order. */
  public Outputs run(ImageDataset data) {
    return run(data.images(IntStream.range(0, data.size()).toArray()));
  }

  /** Share of the images that the network assigns to their class, 0 to 1. */
  public double accuracy(ImageDataset data) {
    int[] predictions = run(data).predictions();
    return IntStream.range(0, data.size()).filter(i -> predictions[i] == data.label(i)).count() / (double) data.size();
  }

  @Override
  public void close() {
    session.close();
  }
}
