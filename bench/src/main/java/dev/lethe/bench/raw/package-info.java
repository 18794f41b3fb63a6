/** Bare sessions of ONNX Runtime in a process of their own: what a server could reach at best. */
@NullMarked
package dev.lethe.bench.raw;

import org.jspecify.annotations.NullMarked;
