package dev.lethe.trainer.cascade;

import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import dev.lethe.models.stylegan2.Discriminator;
import dev.lethe.models.stylegan2.StyleGan2Config;
import java.util.Map;

/**
 * The discriminator's head in a training graph, and the batches that it looks at.
 *
 * @param batch images in each of its inputs
 */
record Head(Graph graph, StyleGan2Config config, int batch) {

  /** Declares an input of so many images under a name; the result is their logits, [batch, 1]. */
  Value logits(String input) {
    Value activations = graph.input(input, Discriminator.stemShape(config, batch));
    Value label = config.conditional() ? graph.input(input + ".c", batch, config.classes()) : null;
    return Discriminator.head(graph, config, activations, label);
  }

  /** Puts a batch where {@link #logits} finds it. */
  static void put(Map<String, Tensor> inputs, String input, StyleGan2Config config, Activations images) {
    inputs.put(input, images.values());
    if (config.conditional()) {
      inputs.put(input + ".c", Tensor.oneHot(images.labels(), config.classes()));
    }
  }
}
