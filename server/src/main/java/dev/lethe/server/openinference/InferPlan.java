package dev.lethe.server.openinference;

import dev.lethe.server.inference.Latent;
import dev.lethe.server.openinference.Signature.Output;
import java.util.List;
import java.util.function.IntFunction;

/**
 * A checked request. Latents are made when they are asked for.
 *
 * @param count images, from 1
 * @param latents by index, from 0 to {@code count - 1}
 * @param outputs in the order of the answer
 * @param raw whether the answer's values are raw bytes, and not typed
 */
record InferPlan(int count, IntFunction<Latent> latents, List<Output> outputs, boolean raw) {}
