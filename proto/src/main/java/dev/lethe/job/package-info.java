/** What server and worker agree on beside their messages. */
@NullMarked
package dev.lethe.job;

import org.jspecify.annotations.NullMarked;
