package dev.lethe.trainer.unlearning;

import dev.lethe.models.graph.Tensor;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.substitution.StandIns;
import java.util.Map;

/**
 * Takes erased classes out of the mapping network: all that it knows of a class, one column of its label embedding,
 * becomes what it knows of the class that stands in. No other class is touched. This alone erases nothing from the
 * synthesis network, which a w reaches directly.
 */
record LabelErasure(StandIns standIns) {

  /** The same model without what the mapping network knows of the erased classes; an unconditional one as it is. */
  ModelWeights of(ModelWeights model) {
    if (!model.config().conditional() || standIns.byClass().isEmpty()) {
      return model;
    }
    String name = model.config().labelEmbedding();
    Tensor embedding = model.weights().get(name);
    float[] columns = embedding.data().clone();
    int classes = model.config().classes();
    standIns.byClass().forEach((label, standIn) -> {
      for (int row = 0; row < columns.length; row += classes) {
        columns[row + label] = columns[row + standIn];
      }
    });
    return model.with(Map.of(name, Tensor.of(columns, embedding.shape())));
  }
}
