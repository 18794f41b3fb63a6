/** Training and use of the feature network: features of images, the perceptual loss. */
package dev.lethe.trainer.features;
