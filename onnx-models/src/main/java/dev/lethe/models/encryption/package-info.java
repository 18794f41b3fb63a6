/** Files that are not to be read by whoever finds them. */
@NullMarked
package dev.lethe.models.encryption;

import org.jspecify.annotations.NullMarked;
