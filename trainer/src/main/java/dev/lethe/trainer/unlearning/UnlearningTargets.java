package dev.lethe.trainer.unlearning;

import dev.lethe.models.graph.Tensor;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.session.ComputeCost;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/**
 * Where the model has what is to be unlearned.
 *
 * @param images real images of it, or generated ones where there are none
 * @param latents w_u of what the generator makes of it, [N, w_dim]
 * @param labels class of each latent; 0 for an unconditional model
 * @param inversionError mean over images of the squared pixel error of drawing them from their latents, where these
 *     were looked for
 * @param skipped indices of images of the request that were left out
 * @param kept latents of generated images that stay, [M, w_dim]
 * @param keptLabels class of each
 * @param lookalike class of the feature network that an unconditional model unlearns
 * @param inversion what the gradient steps of inversion took
 * @param seconds that finding took
 */
public record UnlearningTargets(ImageDataset images, Tensor latents, int[] labels, OptionalDouble inversionError,
    List<Integer> skipped,
    Tensor kept, int[] keptLabels, OptionalInt lookalike, ComputeCost inversion, double seconds) {

  UnlearningTargets in(double time) {
    return new UnlearningTargets(images, latents, labels, inversionError, skipped, kept, keptLabels, lookalike,
        inversion,
        time);
  }
}
