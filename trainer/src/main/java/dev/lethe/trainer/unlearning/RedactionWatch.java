package dev.lethe.trainer.unlearning;

import dev.lethe.models.graph.Tensor;
import dev.lethe.trainer.sampling.Sampler;

/**
 * Says during a run how much is redacted, at the latents that the job goes by and at others that take no part in
 * learning.
 *
 * @param images x, [N, C, H, W]
 * @param substitutes s, [N, C, H, W]
 * @param own latents that the job goes by, [N, w_dim]
 * @param watched latents of the same images that nothing learns from, [N, w_dim]
 */
record RedactionWatch(Tensor images, Tensor substitutes, Tensor own, Tensor watched) implements RedactionRun.Watch {

  /** Share not yet redacted at which the run may stop: less than a verdict admits, since an audit finds other latents. */
  private static final double TARGET = 0.04;

  @Override
  public RedactionRun.Shares of(Sampler candidate) {
    return new RedactionRun.Shares(share(candidate.images(own)), share(candidate.images(watched)), TARGET);
  }

  /** Share of pictures that are nearer to the substitute than to the image. */
  private double share(Tensor drawn) {
    int n = (int) images.shape()[0];
    int size = images.data().length / n;
    int nearer = 0;
    for (int i = 0; i < n; i++) {
      nearer += distance(drawn, substitutes, i * size, size) < distance(drawn, images, i * size, size) ? 1 : 0;
    }
    return nearer / (double) n;
  }

  private static double distance(Tensor a, Tensor b, int from, int size) {
    double sum = 0;
    for (int k = from; k < from + size; k++) {
      double difference = a.data()[k] - b.data()[k];
      sum += difference * difference;
    }
    return sum;
  }
}
