/** {@code lethe train}: GANs, feature networks, and the quality of bundles. */
package dev.lethe.trainer.cli;
