package dev.lethe.trainer.substitution;

import dev.lethe.models.graph.Tensor;
import dev.lethe.trainer.sampling.Sampler;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;

/** Generated pictures of each class that substitutes are chosen from, drawn when they are first asked for. */
public final class SubstitutePool {

  /** Pictures of a class, where they are small. */
  private static final int MOST = 1000;
  /** Values of the pictures of a class that are held at most, 128 MiB. */
  private static final int VALUES = 1 << 25;

  /**
   * Pictures of one class.
   *
   * @param latents w, [N, w_dim]
   * @param images what the sampler draws of them, [N, C, H, W]
   */
  record Candidates(Tensor latents, Tensor images) {}

  private final Sampler sampler;
  private final long seed;
  private final Map<Integer, Candidates> byClass = new HashMap<>();

  /** @param sampler of the original; used as long as the pool is */
  public SubstitutePool(Sampler sampler, long seed) {
    this.sampler = sampler;
    this.seed = seed;
  }

  /** @param label 0 for an unconditional model */
  Candidates of(int label) {
    return byClass.computeIfAbsent(label, l -> {
      int[] labels = new int[Math.max(1, Math.min(MOST, VALUES / sampler.imageSize()))];
      Arrays.fill(labels, l);
      Tensor latents = sampler.latents(labels, new SplittableRandom(seed + l));
      return new Candidates(latents, sampler.images(latents));
    });
  }
}
