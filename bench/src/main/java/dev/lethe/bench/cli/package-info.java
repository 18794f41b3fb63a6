/** {@code lethe bench}. */
package dev.lethe.bench.cli;
