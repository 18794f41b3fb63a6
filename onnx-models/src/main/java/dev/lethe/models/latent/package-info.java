/** Latents from seeds, as NumPy draws them. */
@NullMarked
package dev.lethe.models.latent;

import org.jspecify.annotations.NullMarked;
