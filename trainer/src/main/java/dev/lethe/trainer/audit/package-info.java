/** Judges what unlearning did to a generator, independently of the loop that did it. */
package dev.lethe.trainer.audit;
