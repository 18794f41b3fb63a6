/** Versions in memory, and the batches of images that they compute for all calls together. */
package dev.lethe.server.inference;
