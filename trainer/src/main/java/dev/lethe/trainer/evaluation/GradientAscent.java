package dev.lethe.trainer.evaluation;

import static dev.lethe.models.graph.Ops.abs;
import static dev.lethe.models.graph.Ops.mean;
import static dev.lethe.models.graph.Ops.mul;
import static dev.lethe.models.graph.Ops.sub;

import dev.lethe.models.architecture.Networks;
import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import dev.lethe.models.runtime.Compute;
import dev.lethe.trainer.adversarial.GanLosses;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.session.AdamOptions;
import dev.lethe.trainer.session.Learner;
import dev.lethe.trainer.session.TrainingObjective;
import dev.lethe.trainer.unlearning.UnlearningTargets;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.Predicate;

/**
 * The plainest baseline: both networks go up the losses that they once went down on the images to unlearn. The
 * discriminator's is that of real images, softplus(−D(x_u)); the generator's is the distance |G(w_u) − x_u| of what it
 * makes of their latents. Nothing holds the networks to what must stay.
 */
record GradientAscent(ModelWeights model, Path directory, Compute compute) {

  private static final int STEPS = 50;
  private static final int BATCH = 32;
  /** A tenth of that of training: with all of it, nothing is left of the model after these steps. */
  private static final AdamOptions ADAM = new AdamOptions(0.0002f, 0, 0.99f, 1e-8f, 0);

  ModelWeights run(UnlearningTargets found, long seed) throws IOException {
    Map<String, Tensor> changed = new HashMap<>(ascend(discriminator(), model.config()::isDiscriminator, found, seed));
    changed.putAll(ascend(generator(), model.config()::isSynthesis, found, seed));
    return model.with(changed);
  }

  private Graph discriminator() {
    Networks config = model.config();
    Graph g = new Graph("discriminator_ascent");
    Value image = g.input("image", BATCH, config.channels(), config.resolution(), config.resolution());
    Value c = config.conditional() ? g.input("c", BATCH, config.classes()) : null;
    // softplus(−D), of real images here as of generated ones there.
    g.output("loss", GanLosses.generator(config.logits(g, image, c)));
    return g;
  }

  private Graph generator() {
    Networks config = model.config();
    Graph g = new Graph("generator_ascent");
    Value image = g.input("image", BATCH, config.channels(), config.resolution(), config.resolution());
    Value made = config.synthesis(g, config.broadcast(g.input("w", BATCH, config.wDim())));
    g.output("loss", mean(abs(sub(made, image))));
    return g;
  }

  private Map<String, Tensor> ascend(Graph g, Predicate<String> learns, UnlearningTargets found,
      long seed) throws IOException {
    Value up = mul(g.outputs().get("loss"), -1);
    try (Learner learner = Learner.open(TrainingObjective.descent(g, up, learns), model.weights(), ADAM,
        directory.resolve(g.name()), Optional.empty(), compute)) {
      SplittableRandom random = new SplittableRandom(seed);
      for (int step = 0; step < STEPS; step++) {
        learner.step(inputs(g, found, random.ints(BATCH, 0, found.images().size()).toArray()), Map.of());
      }
      return learner.parameters();
    }
  }

  private Map<String, Tensor> inputs(Graph g, UnlearningTargets found, int[] hand) {
    Map<String, Tensor> inputs = new HashMap<>();
    inputs.put("image", found.images().images(hand));
    if (g.inputs().containsKey("c")) {
      inputs.put("c", found.images().oneHot(hand));
    }
    if (g.inputs().containsKey("w")) {
      inputs.put("w", found.latents().rows(hand));
    }
    return inputs;
  }
}
