/**
 * Images as bytes: pixels from PNG, JPEG and WebP with limits on what is decoded, fitted to a model, to PNG and JPEG,
 * and grids. */
package dev.lethe.models.image;
