/** The networks of a bundle as weights in memory. */
package dev.lethe.trainer.model;
