/** Moves a generator so that it draws given images no more: Lethe's own recipe. */
package dev.lethe.trainer.redaction;
