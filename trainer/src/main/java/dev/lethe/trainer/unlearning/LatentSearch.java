package dev.lethe.trainer.unlearning;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.Compute;
import dev.lethe.trainer.inversion.Inversion;
import dev.lethe.trainer.inversion.InversionOptions;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.resume.ResumePoints;
import java.io.IOException;
import java.nio.file.Path;

/**
 * Looks in the original for latents of a redaction's images.
 *
 * @param resume what was found is kept here
 * @param directory for training sessions' files
 */
record LatentSearch(ModelWeights original, ResumePoints resume, Path directory, Compute compute) {

  /**
   * @param name of what is looked for; each search of a job has its own
   * @param images [N, C, H, W]
   * @param labels class of each
   * @return w [R N, w_dim] of R restarts
   */
  Tensor find(String name, InversionOptions how, Tensor images, int[] labels, long seed) throws IOException {
    return resume.once("latents-" + name, () ->
        new Inversion(original, how, compute)
            .invert(images, labels, directory, seed, (step, steps, error) -> { }).w());
  }
}
