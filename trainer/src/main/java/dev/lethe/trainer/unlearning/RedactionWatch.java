package dev.lethe.trainer.unlearning;

import dev.lethe.models.graph.Tensor;
import dev.lethe.trainer.metrics.PixelDistance;
import dev.lethe.trainer.sampling.Sampler;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Says during a run how much is redacted, at the latents that the job goes by and at others that take no part in
 * learning but for how much each image weighs.
 *
 * @param images x, [N, C, H, W]
 * @param substitutes s, [N, C, H, W]
 * @param own latents that the job goes by, [N, w_dim]
 * @param watched latents of the same images that do not move, [N, w_dim]
 */
record RedactionWatch(Tensor images, Tensor substitutes, Tensor own, Tensor watched) implements RedactionRun.Watch {

  /**
   * Share not yet redacted at which the run may stop, and where the share redacted begins at latents that do not move:
   * more than a verdict asks for, since an audit looks harder and finds latents that draw the image better.
   */
  private static final double TARGET = 0.04;
  private static final double MARGIN = 0.05;
  /** The same where an image has gone far: six tenths of the straight way to its substitute. */
  private static final double FAR = 0.2;

  @Override
  public RedactionRun.Shares of(Sampler candidate) {
    double[] atOwn = reached(candidate.images(own));
    double[] atWatched = reached(candidate.images(watched));
    return new RedactionRun.Shares(share(atOwn, 0), share(atWatched, 0),
        share(atWatched, MARGIN), share(atWatched, FAR), TARGET,
        IntStream.range(0, atOwn.length).mapToDouble(i -> Math.min(atOwn[i], atWatched[i])).toArray());
  }

  /** Squared error of each picture from the image, as a share of that and of the one from the substitute. */
  private double[] reached(Tensor drawn) {
    return IntStream.range(0, (int) images.shape()[0]).mapToDouble(i -> {
      double image = PixelDistance.squared(drawn, i, images, i);
      return image / (image + PixelDistance.squared(drawn, i, substitutes, i));
    }).toArray();
  }

  /** Share of pictures that are nearer to the substitute than to the image, by a margin. */
  private static double share(double[] reached, double margin) {
    return Arrays.stream(reached).filter(r -> r > 0.5 + margin).count() / (double) reached.length;
  }
}
