package dev.lethe.models.features;

import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.Shapes;
import dev.lethe.models.graph.Value;
import org.jspecify.annotations.Nullable;

/** A network that says of images how alike they are, and that can be differentiated. */
public interface FeatureSpace {

  /**
   * What a network makes of images.
   *
   * @param features [N, F]
   * @param logits [N, classes]; null if there are no classes
   */
  record Outputs(Value features, @Nullable Value logits) {}

  /** Height and width of an image. */
  int resolution();

  /** 1 or 3. */
  int channels();

  /** Number of features, F. */
  int width();

  /** Number of classes that it tells apart; 0 if it tells none. */
  int classes();

  /** Adds the network to a graph. Image [N, C, H, W] in [-1, 1]. */
  Outputs apply(Graph g, Value image);

  /** As {@code features.onnx} has it: {@code image} → {@code features} and, if there are classes, {@code logits}. */
  default Graph graph() {
    Graph g = new Graph("features");
    Outputs outputs = apply(g, g.input("image", Shapes.FREE, channels(), resolution(), resolution()));
    g.output("features", outputs.features());
    Value logits = outputs.logits();
    if (logits != null) {
      g.output("logits", logits);
    }
    return g;
  }
}
