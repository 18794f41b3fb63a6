/** The console: pages that a browser asks this server by. */
@NullMarked
package dev.lethe.server.console;

import org.jspecify.annotations.NullMarked;
