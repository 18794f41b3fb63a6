/** How fast training is, against PyTorch and against what the processor could do. */
@NullMarked
package dev.lethe.trainer.speed;

import org.jspecify.annotations.NullMarked;
