/** The networks of a bundle as weights in memory. */
@NullMarked
package dev.lethe.trainer.model;

import org.jspecify.annotations.NullMarked;
