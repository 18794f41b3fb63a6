package dev.lethe.models.stylegan2;

import dev.lethe.models.architecture.Precision;
import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.Shapes;
import dev.lethe.models.graph.Value;

/**
 * The networks as a bundle holds them, of free batch: the inputs and outputs that
 * {@link dev.lethe.models.bundle.Bundle} promises. Together the three hold every parameter of a model.
 */
final class ServingGraphs {

  private ServingGraphs() {}

  /** z, c, psi → ws. */
  static Graph mapping(StyleGan2Config config) {
    Graph g = new Graph("mapping");
    Value z = g.input("z", Shapes.FREE, config.zDim());
    Value label = label(g, config);
    Value psi = g.input("psi", Shapes.FREE, 1);
    Value w = GeneratorNetwork.truncate(g, config, GeneratorNetwork.mapping(g, config, z, label), psi);
    g.output("ws", config.broadcast(w));
    return g;
  }

  /** ws → image, with the model's constant noise. */
  static Graph synthesis(StyleGan2Config config) {
    return synthesis(config, Precision.FP32);
  }

  /** The same, with the same parameters, in another precision. */
  static Graph synthesis(StyleGan2Config config, Precision precision) {
    Graph g = new Graph("synthesis");
    Value ws = g.input("ws", Shapes.FREE, config.numWs(), config.wDim());
    g.output("image", GeneratorNetwork.synthesis(g, config, ws, Noise.constant(), precision));
    return g;
  }

  /** ws, noise → image. */
  static Graph noisySynthesis(StyleGan2Config config, Precision precision) {
    Graph g = new Graph("noisy_synthesis");
    Value ws = g.input("ws", Shapes.FREE, config.numWs(), config.wDim());
    Value noise = g.input("noise", Shapes.FREE, GeneratorNetwork.noiseSize(config));
    g.output("image", GeneratorNetwork.synthesis(g, config, ws, Noise.given(noise), precision));
    return g;
  }

  /** image, c → logits. */
  static Graph discriminator(StyleGan2Config config) {
    Graph g = new Graph("discriminator");
    Value image = g.input("image", Shapes.FREE, config.channels(), config.resolution(), config.resolution());
    g.output("logits", Discriminator.logits(g, config, image, label(g, config)));
    return g;
  }

  private static Value label(Graph g, StyleGan2Config config) {
    return config.conditional() ? g.input("c", Shapes.FREE, config.classes()) : null;
  }
}
