/** The page of results. */
@NullMarked
package dev.lethe.bench.report;

import org.jspecify.annotations.NullMarked;
