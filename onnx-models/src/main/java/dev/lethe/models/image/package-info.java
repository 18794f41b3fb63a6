/** Images as bytes: pixels to and from PNG and JPEG, with limits on what is decoded, and grids of images. */
package dev.lethe.models.image;
