/** The servers that are measured, each started, asked and stopped in the same way. */
package dev.lethe.bench.targets;
