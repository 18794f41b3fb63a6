package dev.lethe.trainer.unlearning;

import dev.lethe.trainer.inversion.InversionOptions;
import dev.lethe.trainer.inversion.LatentSpace;

/**
 * How hard a redaction of single images looks for the latents that it goes by. What is redacted where a short search
 * ends is drawn as before where a long one does.
 *
 * @param images how the latents are looked for that move, and that the run is watched at
 * @param moving latents that move, of all images; at least 4 and at most 32 of each
 * @param staying how latents of real images that stay are looked for
 * @param inverted most images that these are looked for of
 * @param anchors latents that stay, of real images that do; {@code inverted} or more
 * @param lookedThrough most latents of a kind among which those are found at which earlier jobs have redacted; large
 *     pictures are looked at in fewer places
 */
public record SearchOptions(InversionOptions images, int moving, InversionOptions staying, int inverted, int anchors,
    int lookedThrough) {

  /** Enough to find what jobs of 64 images have redacted. */
  public static final int MANY = 16384;

  /** As hard as an audit looks. */
  public static final SearchOptions DEFAULT = new SearchOptions(
      new InversionOptions(LatentSpace.W, 400, 1, 72, 0.1, 0), 256,
      new InversionOptions(LatentSpace.W, 200, 1, 72, 0.1, 0), 80, 384, MANY);
}
