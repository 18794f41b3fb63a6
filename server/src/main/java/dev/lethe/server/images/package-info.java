/** From a checked request to its images: what all protocols that generate have in common. */
@NullMarked
package dev.lethe.server.images;

import org.jspecify.annotations.NullMarked;
