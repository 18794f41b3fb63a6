/** NumPy's files of arrays, as latents come in. */
package dev.lethe.client.numpy;
