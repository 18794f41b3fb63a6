/** {@code lethe.v1.GenerationService}: checks requests and sends images, no faster than the client takes them. */
package dev.lethe.server.generation;
