/** The server's own key, which opens the keys of jobs. */
@NullMarked
package dev.lethe.server.encryption;

import org.jspecify.annotations.NullMarked;
