/** Images and latents drawn from a model in memory, in batches. */
package dev.lethe.trainer.sampling;
