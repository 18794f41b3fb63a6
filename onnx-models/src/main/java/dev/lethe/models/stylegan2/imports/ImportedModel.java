package dev.lethe.models.stylegan2.imports;

import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.stylegan2.StyleGan2Config;
import java.util.List;
import java.util.Map;

/**
 * A model that was read from a file.
 *
 * @param source what the file is, in a few words
 * @param config what the networks are
 * @param weights every parameter by name
 * @param averageMissing true if the file has no average w: {@code G.mapping.w_avg} is 0 and must be estimated
 * @param card the card that the file carries; null if none
 * @param notes what the user should know about what was read, a sentence each
 */
public record ImportedModel(String source, StyleGan2Config config, Map<String, Tensor> weights, boolean averageMissing,
    ModelCard card, List<String> notes) {}
