/** The Open Inference Protocol, with Triton's extensions, over the models and the engine that generation uses. */
package dev.lethe.server.openinference;
