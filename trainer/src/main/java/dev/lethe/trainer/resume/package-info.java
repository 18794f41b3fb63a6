/** What a job has worked out so far, on the disk: whoever carries it on does not begin anew. */
@NullMarked
package dev.lethe.trainer.resume;

import org.jspecify.annotations.NullMarked;
