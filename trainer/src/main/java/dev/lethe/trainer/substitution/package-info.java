/** Choices of what takes the place of what is unlearned. */
package dev.lethe.trainer.substitution;
