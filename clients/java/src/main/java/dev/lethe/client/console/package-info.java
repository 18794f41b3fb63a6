/** What the commands print: tables, progress on one line, errors. */
@NullMarked
package dev.lethe.client.console;

import org.jspecify.annotations.NullMarked;
