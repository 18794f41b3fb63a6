package dev.lethe.models.architecture;

import ai.onnx.proto.OnnxMl.ModelProto;

/**
 * The networks of a generator as this machine's processor computes them fastest. Inputs, outputs and weights are those
 * of the bundle's own graphs, labels must be one-hot, and results differ by rounding.
 *
 * @param mapping z, c, psi → ws
 * @param synthesis ws → image; for sessions with options that {@link dev.lethe.models.runtime.ChannelBlock#keep} its
 *     layout
 */
public record ProcessorGraphs(ModelProto mapping, ModelProto synthesis) {}
