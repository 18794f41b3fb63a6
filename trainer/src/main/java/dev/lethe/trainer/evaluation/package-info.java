/** {@code lethe evaluate}: unlearning and its baselines over a grid of choices, measured alike, as tables and plots. */
package dev.lethe.trainer.evaluation;
