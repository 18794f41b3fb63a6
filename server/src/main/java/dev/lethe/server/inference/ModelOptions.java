package dev.lethe.server.inference;

import dev.lethe.models.architecture.Precision;

/**
 * How one model is computed, in all its versions.
 *
 * @param batching how its images are gathered into batches
 * @param precision of its synthesis
 */
public record ModelOptions(BatchingOptions batching, Precision precision) {}
