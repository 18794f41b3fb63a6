/** What commands have in common that people type. */
@NullMarked
package dev.lethe.trainer.console;

import org.jspecify.annotations.NullMarked;
