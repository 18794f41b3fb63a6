/** Measures of generators and discriminators: quality of samples, Fréchet distance, area under the ROC curve. */
package dev.lethe.trainer.metrics;
