/** The log of who ordered what, and how it ended. */
@NullMarked
package dev.lethe.server.audit;

import org.jspecify.annotations.NullMarked;
