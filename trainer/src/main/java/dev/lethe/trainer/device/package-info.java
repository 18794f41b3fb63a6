/** Where training runs, as the command lines ask for it. */
@NullMarked
package dev.lethe.trainer.device;

import org.jspecify.annotations.NullMarked;
