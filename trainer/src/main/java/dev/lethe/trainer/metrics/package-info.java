/** Measures of generators and discriminators: Fréchet distance of features, area under the ROC curve. */
package dev.lethe.trainer.metrics;
