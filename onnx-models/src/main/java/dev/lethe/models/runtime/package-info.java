/** ONNX Runtime on this machine: its native library, devices, sessions for inference, and what the processor can do. */
@NullMarked
package dev.lethe.models.runtime;

import org.jspecify.annotations.NullMarked;
