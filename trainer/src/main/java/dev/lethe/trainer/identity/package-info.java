/** Tells people apart: what audits of people judge by, and nothing learns with. */
@NullMarked
package dev.lethe.trainer.identity;

import org.jspecify.annotations.NullMarked;
