/** {@code lethe.v1.InspectionService}: looks for images in a model, in worker processes, and changes nothing. */
@NullMarked
package dev.lethe.server.inspection;

import org.jspecify.annotations.NullMarked;
