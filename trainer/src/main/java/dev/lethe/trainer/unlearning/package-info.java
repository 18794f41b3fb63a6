/**
 * A job from bundle to bundle: finds what to unlearn in a model, runs the cascade under guard, measures and exports.
 */
package dev.lethe.trainer.unlearning;
