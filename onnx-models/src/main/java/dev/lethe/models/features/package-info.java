/** The network whose features tell how alike images are: for the perceptual loss, FID and class accuracy. */
@NullMarked
package dev.lethe.models.features;

import org.jspecify.annotations.NullMarked;
