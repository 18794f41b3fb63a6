/** Looks for images in a model and changes nothing: what a job would find, and projection. */
@NullMarked
package dev.lethe.trainer.inspection;

import org.jspecify.annotations.NullMarked;
