package dev.lethe.trainer.features;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.Compute;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.sampling.Sampler;
import java.util.IdentityHashMap;
import java.util.Map;

/**
 * Runs models, and keeps the session of each until {@link #close}: an audit runs the same two models again and again,
 * and sessions of the shipped model take a tenth of a second to open. Not safe for use by several threads.
 */
public final class ModelRunner implements AutoCloseable {

  private final Compute compute;
  // By identity: a model's weights are too many to be compared.
  private final Map<ModelWeights, Sampler> samplers = new IdentityHashMap<>();
  private final Map<ModelWeights, PerceptualLoss.Directions> directions = new IdentityHashMap<>();

  public ModelRunner(Compute compute) {
    this.compute = compute;
  }

  public Compute compute() {
    return compute;
  }

  /** The model's generator, to be closed by this runner alone. */
  public Sampler sampler(ModelWeights model) {
    return samplers.computeIfAbsent(model, opened -> Sampler.open(opened.config(), opened.weights(), compute));
  }

  /** Features of unit length that the model's perceptual loss goes by, [N, F], of images [N, C, H, W]. */
  public Tensor directions(ModelWeights model, Tensor images) {
    return directions.computeIfAbsent(model, opened -> PerceptualLoss.Directions.open(opened, compute)).of(images);
  }

  @Override
  public void close() {
    samplers.values().forEach(Sampler::close);
    directions.values().forEach(PerceptualLoss.Directions::close);
    samplers.clear();
    directions.clear();
  }
}
