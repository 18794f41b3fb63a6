/** Gradients of graphs as graphs: one rule for each operator, and the walk backwards that applies them. */
package dev.lethe.trainer.autodiff;
