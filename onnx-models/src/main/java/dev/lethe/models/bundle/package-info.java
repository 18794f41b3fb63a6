/** A model's version on disk: the card, the graphs beside it, and the hashes that hold them together. */
package dev.lethe.models.bundle;
