/**
 * The tables of a training checkpoint, generated from {@code src/main/flatbuffers/checkpoint.fbs} by {@code
 * scripts/generate-checkpoint}. {@link dev.lethe.trainer.session.Checkpoint} is what is used.
 */
package dev.lethe.trainer.session.format;
