package dev.lethe.trainer.unlearning;

import dev.lethe.models.features.FeatureNetwork;
import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.OnnxWriter;
import dev.lethe.models.graph.Shapes;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.models.runtime.InferenceSession;
import dev.lethe.trainer.features.PerceptualLoss;
import dev.lethe.trainer.sampling.Sampler;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * What the original generator makes of random latents, computed once a job: what the candidate must go on making.
 *
 * @param latents w, [N, w_dim]
 * @param labels class of each
 * @param images G0(w), [N, C, H, W]
 * @param directions their features at unit length, [N, F]
 */
record Teacher(Tensor latents, int[] labels, Tensor images, Tensor directions) {

  private static final int BATCH = 128;

  /** @param labels class of each image to make */
  static Teacher of(ModelWeights model, int[] labels, long seed, ExecutionDevice device, int threads) {
    try (Sampler sampler = Sampler.open(model.config(), model.weights(), device, threads)) {
      Tensor latents = sampler.latents(labels, new SplittableRandom(seed));
      Tensor images = sampler.images(latents);
      return new Teacher(latents, labels, images, directions(model, images, device, threads));
    }
  }

  /** Features of images at unit length, [N, F]. */
  static Tensor directions(ModelWeights model, Tensor images, ExecutionDevice device, int threads) {
    Graph g = new Graph("directions");
    long[] shape = images.shape();
    Value image = g.input("image", Shapes.FREE, shape[1], shape[2], shape[3]);
    g.output("directions", PerceptualLoss.directions(g, model.features(), image));
    int n = (int) shape[0];
    Tensor all = Tensor.zeros(n, FeatureNetwork.FEATURES);
    try (InferenceSession session = InferenceSession.open(OnnxWriter.inference(g, model.weights()), device, threads)) {
      for (int from = 0; from < n; from += BATCH) {
        int[] rows = IntStream.range(from, Math.min(from + BATCH, n)).toArray();
        float[] part = session.run(Map.of("image", Rows.of(images, rows))).get("directions").data();
        System.arraycopy(part, 0, all.data(), from * FeatureNetwork.FEATURES, part.length);
      }
    }
    return all;
  }

  int size() {
    return labels.length;
  }
}
