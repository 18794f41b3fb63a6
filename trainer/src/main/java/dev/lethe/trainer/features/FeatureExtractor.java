package dev.lethe.trainer.features;

import ai.onnx.proto.OnnxMl.ModelProto;
import dev.lethe.models.graph.OnnxWriter;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.Compute;
import dev.lethe.models.runtime.InferenceSession;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.sampling.Sampler;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Runs a {@code features.onnx}. Safe for use by many threads. */
public final class FeatureExtractor implements AutoCloseable {

  private static final int MOST = 250;
  /** Values of the images of a run at most. */
  private static final int VALUES = 1 << 22;

  /**
   * What the network makes of images.
   *
   * @param features [N, F]
   * @param logits [N, classes]; null if the network tells no classes apart
   */
  public record Outputs(Tensor features, @Nullable Tensor logits) {

    /** Number of features, F. */
    public int width() {
      return (int) features.shape()[1];
    }

    /**
     * The class of each image: that of the greatest logit.
     *
     * @throws IllegalStateException if the network tells no classes apart
     */
    public int[] predictions() {
      if (logits == null) {
        throw new IllegalStateException("the feature network tells no classes apart");
      }
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

  public static FeatureExtractor open(Path file, Compute compute) {
    return new FeatureExtractor(InferenceSession.open(file, compute));
  }

  /** What a model's pictures are measured by. */
  public static FeatureExtractor open(ModelWeights model, Compute compute) {
    return open(model.measuring().orElseGet(() ->
        OnnxWriter.inference(model.features().graph(), model.weights())), compute);
  }

  public static FeatureExtractor open(ModelProto model, Compute compute) {
    return new FeatureExtractor(InferenceSession.open(model, compute));
  }

  /**
   * Any number of images, from 1.
   *
   * @param images [N, C, H, W] in [-1, 1]
   */
  public Outputs run(Tensor images) {
    long[] shape = images.shape();
    int imageSize = shape[0] == 0 ? 0 : images.data().length / (int) shape[0];
    return run((int) shape[0], imageSize, (from, to) -> to - from == shape[0]
        ? images
        : Tensor.of(Arrays.copyOfRange(images.data(), from * imageSize, to * imageSize), to - from, shape[1],
            shape[2], shape[3]));
  }

  /** All images of a data set, in order; only a part of them at a time is in memory as floats. */
  public Outputs run(ImageDataset data) {
    return run(data.size(), data.channels() * data.resolution() * data.resolution(), (from, to) ->
        data.images(IntStream.range(from, to).toArray()));
  }

  /** Generated images, from 1, of w [N, w_dim]; only a part of them at a time is in memory. */
  public Outputs run(Sampler sampler, Tensor w) {
    return run((int) w.shape()[0], sampler.imageSize(), (from, to) -> sampler.images(w.rows(from, to)));
  }

  /** Gives images {@code from} to {@code to - 1}, [to - from, C, H, W]. */
  private interface Source {
    Tensor images(int from, int to);
  }

  private Outputs run(int n, int imageSize, Source source) {
    if (n == 0) {
      throw new IllegalArgumentException("there are no images to run the feature network on");
    }
    Tensor features = Tensor.zeros(0, 0);
    Tensor logits = null;
    int batch = Math.max(1, Math.min(MOST, VALUES / Math.max(1, imageSize)));
    for (int from = 0; from < n; from += batch) {
      Map<String, Tensor> part = session.run(Map.of("image", source.images(from, Math.min(from + batch, n))));
      features = put(part.get("features"), from == 0 ? null : features, from, n);
      logits = part.containsKey("logits") ? put(part.get("logits"), logits, from, n) : null;
    }
    return new Outputs(features, logits);
  }

  /** Copies rows into [n, width] from row {@code from}; the first part tells the width. */
  private static Tensor put(Tensor part, @Nullable Tensor whole, int from, int n) {
    int width = (int) part.shape()[1];
    Tensor target = whole == null ? Tensor.zeros(n, width) : whole;
    System.arraycopy(part.data(), 0, target.data(), from * width, part.data().length);
    return target;
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
