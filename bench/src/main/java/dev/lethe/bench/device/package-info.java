/**
 * What a device does with Lethe's graphs, each step in a process of its own: a first try of a machine that may be had
 * for minutes alone.
 */
@NullMarked
package dev.lethe.bench.device;

import org.jspecify.annotations.NullMarked;
