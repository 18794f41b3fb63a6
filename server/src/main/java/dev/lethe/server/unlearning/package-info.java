/** {@code lethe.v1.UnlearningService}: jobs from upload to promotion, carried out by workers, which are processes. */
package dev.lethe.server.unlearning;
