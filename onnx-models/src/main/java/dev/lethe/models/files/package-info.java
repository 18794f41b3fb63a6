/**
 * Files as programs that may crash need them: digested, written whole, kept from others, deleted with all that is in
 * them.
 */
@NullMarked
package dev.lethe.models.files;

import org.jspecify.annotations.NullMarked;
