/** Files as a server needs them: digested, written whole, kept from others, deleted with all that is in them. */
@NullMarked
package dev.lethe.server.files;

import org.jspecify.annotations.NullMarked;
