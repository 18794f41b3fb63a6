package dev.lethe.trainer.sampling;

import ai.onnx.proto.OnnxMl.ModelProto;
import dev.lethe.models.architecture.Networks;
import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.OnnxWriter;
import dev.lethe.models.graph.Shapes;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import dev.lethe.models.runtime.Compute;
import dev.lethe.models.runtime.InferenceSession;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/** Draws latents and images from a generator, with its constant noise and without truncation. Safe for many threads. */
public final class Sampler implements AutoCloseable {

  private static final int MOST = 128;
  /** Values of the feature maps of a run at most: half a GiB. */
  private static final long VALUES = 1L << 27;

  private final Networks config;
  private final int batch;
  private final InferenceSession mapping;
  private final InferenceSession synthesis;

  private Sampler(Networks config, InferenceSession mapping, InferenceSession synthesis) {
    this.config = config;
    this.batch = (int) Math.max(1, Math.min(MOST, VALUES / config.activationValues()));
    this.mapping = mapping;
    this.synthesis = synthesis;
  }

  /**
   * @param weights the generator's, by parameter name
   */
  public static Sampler open(Networks config, Map<String, Tensor> weights, Compute compute) {
    Graph m = new Graph("mapping");
    Value z = m.input("z", Shapes.FREE, config.zDim());
    Value c = config.conditional() ? m.input("c", Shapes.FREE, config.classes()) : null;
    m.output("w", config.mapping(m, z, c));
    InferenceSession mapping = InferenceSession.open(OnnxWriter.inference(m, weights), compute);
    return new Sampler(config, mapping, synthesis(config, weights, compute));
  }

  /** As a server computes it too: where the processor allows it, in its own layout. */
  private static InferenceSession synthesis(Networks config, Map<String, Tensor> weights, Compute compute) {
    if (compute.onCpu()) {
      Optional<ModelProto> fast = config.synthesisForThisProcessor(weights);
      if (fast.isPresent()) {
        return InferenceSession.openBlocked(fast.get(), compute.threads());
      }
    }
    Graph s = new Graph("synthesis");
    Value ws = s.input("ws", Shapes.FREE, config.numWs(), config.wDim());
    s.output("image", config.synthesis(s, ws));
    return InferenceSession.open(OnnxWriter.inference(s, weights), compute);
  }

  /** Number of values of an image. */
  public int imageSize() {
    return config.channels() * config.resolution() * config.resolution();
  }

  /** Length of a latent w. */
  public int wDim() {
    return config.wDim();
  }

  /**
   * Latents of random z.
   *
   * @param labels class of each; for an unconditional model only their number counts
   * @return w [N, w_dim]
   * @throws IllegalArgumentException if the model has no such class
   */
  public Tensor latents(int[] labels, SplittableRandom random) {
    int n = labels.length;
    Map<String, Tensor> inputs = new HashMap<>();
    Tensor z = Tensor.zeros(n, config.zDim());
    for (int i = 0; i < z.data().length; i++) {
      z.data()[i] = (float) random.nextGaussian();
    }
    inputs.put("z", z);
    if (config.conditional()) {
      Tensor c = Tensor.zeros(n, config.classes());
      for (int i = 0; i < n; i++) {
        if (labels[i] < 0 || labels[i] >= config.classes()) {
          throw new IllegalArgumentException("there is no class " + labels[i] + "; the model has classes 0 to "
              + (config.classes() - 1));
        }
        c.data()[i * config.classes() + labels[i]] = 1;
      }
      inputs.put("c", c);
    }
    return mapping.run(inputs).get("w");
  }

  /** Mean of the w of random z of one class, [w_dim]; of an unconditional model any class is the same. */
  public float[] meanLatent(int label, int samples, SplittableRandom random) {
    int[] labels = new int[samples];
    Arrays.fill(labels, label);
    float[] w = latents(labels, random).data();
    double[] mean = new double[config.wDim()];
    for (int i = 0; i < w.length; i++) {
      mean[i % mean.length] += w[i] / (double) samples;
    }
    float[] result = new float[mean.length];
    for (int i = 0; i < mean.length; i++) {
      result[i] = (float) mean[i];
    }
    return result;
  }

  /**
   * Images of latents, of any number.
   *
   * @param w [N, w_dim], or one for each layer, [N, num_ws, w_dim]
   * @return [N, C, H, W], about [-1, 1]
   */
  public Tensor images(Tensor w) {
    int n = (int) w.shape()[0];
    int layers = config.numWs();
    int imageSize = config.channels() * config.resolution() * config.resolution();
    Tensor images = Tensor.zeros(n, config.channels(), config.resolution(), config.resolution());
    for (int from = 0; from < n; from += batch) {
      int to = Math.min(from + batch, n);
      int start = from;
      Tensor ws = w.shape().length == 3 ? w.rows(from, to) : Tensor.of(
          w.rows(IntStream.range(0, (to - from) * layers).map(i -> start + i / layers).toArray()).data(),
          to - from, layers, config.wDim());
      float[] made = synthesis.run(Map.of("ws", ws)).get("image").data();
      System.arraycopy(made, 0, images.data(), from * imageSize, made.length);
    }
    return images;
  }

  /** Images of random z, of the classes given. */
  public Tensor images(int[] labels, SplittableRandom random) {
    return images(latents(labels, random));
  }

  @Override
  public void close() {
    mapping.close();
    synthesis.close();
  }
}
