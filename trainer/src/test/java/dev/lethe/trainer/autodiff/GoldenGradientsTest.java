package dev.lethe.trainer.autodiff;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.lethe.models.graph.BlockedLayout;
import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.OnnxWriter;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import dev.lethe.models.runtime.ChannelBlock;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.models.runtime.InferenceSession;
import dev.lethe.models.runtime.TestDevice;
import dev.lethe.models.stylegan2.Discriminator;
import dev.lethe.models.stylegan2.GeneratorNetwork;
import dev.lethe.models.stylegan2.GoldenNetworks;
import dev.lethe.models.stylegan2.Noise;
import dev.lethe.models.stylegan2.StyleGan2Config;
import dev.lethe.trainer.adversarial.GanLosses;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Losses, and every parameter's gradient of each of them, against the reference implementation. */
class GoldenGradientsTest {

  private static final double LOSS_TOLERANCE = 1e-4;
  private static final double GRADIENT_TOLERANCE = 1e-3;

  @ParameterizedTest
  @CsvSource({"cond-32-gray, false", "uncond-32-rgb, false", "cond-32-gray, true", "uncond-32-rgb, true"})
  void gradientsAgreeWithTheReference(String name, boolean inBlocks) {
    assumeTrue(!inBlocks || ChannelBlock.size().isPresent() && TestDevice.get().equals(ExecutionDevice.CPU));
    GoldenNetworks golden = new GoldenNetworks(name);
    StyleGan2Config config = golden.config();
    int n = golden.batch();
    Graph g = new Graph("losses");
    Value z = g.input("z", n, config.zDim());
    Value label = config.conditional() ? g.input("c", n, config.classes()) : null;
    Value real = g.input("real", n, config.channels(), config.resolution(), config.resolution());
    Value ws = config.broadcast(GeneratorNetwork.mapping(g, config, z, label));
    Value fake = GeneratorNetwork.synthesis(g, config, ws, Noise.constant());
    Value fakeLogits = Discriminator.logits(g, config, fake, label);
    Value realLogits = Discriminator.logits(g, config, real, label);

    Value generatorLoss = GanLosses.generator(fakeLogits);
    Value discriminatorLoss = GanLosses.discriminator(realLogits, fakeLogits);
    Value r1 = GanLosses.r1(realLogits, real, 1);
    g.output("out.g_loss", generatorLoss);
    g.output("out.d_loss", discriminatorLoss);
    Map<String, Value> parameters = new HashMap<>(g.parameters());
    int compared = output(g, golden, parameters, "grad.G.nonsaturating.", "G.", generatorLoss)
        + output(g, golden, parameters, "grad.D.logistic.", "D.", discriminatorLoss)
        + output(g, golden, parameters, "grad.D.r1.", "D.", r1);
    assertTrue(compared > 100, "only " + compared + " gradients to compare");

    Map<String, Tensor> inputs = golden.inputs();
    inputs.put("real", golden.tensor("in.real"));
    Graph computed = inBlocks ? BlockedLayout.rewrite(g, List.of(), ChannelBlock.size().getAsInt()).graph() : g;
    try (InferenceSession session = InferenceSession.open(OnnxWriter.inference(computed, golden.weights()),
        TestDevice.compute())) {
      Map<String, Tensor> outputs = session.run(inputs);
      assertEquals(compared + 2, outputs.size());
      assertEquals(Map.of(), disagreements(golden, outputs), "outputs that disagree, with their relative errors");
    }
  }

  private static Map<String, Double> disagreements(GoldenNetworks golden, Map<String, Tensor> outputs) {
    Map<String, Double> found = new TreeMap<>();
    outputs.forEach((output, actual) -> {
      float[] reference = golden.tensor(output).data();
      float[] difference = new float[reference.length];
      for (int i = 0; i < difference.length; i++) {
        difference[i] = actual.data()[i] - reference[i];
      }
      double scale = scale(golden, output);
      // Where the reference's gradient is 0 throughout, ours must be.
      double error = GoldenNetworks.norm(difference) / (scale == 0 ? 1 : scale);
      if (!(error < tolerance(output))) {
        found.put(output, error);
      }
    });
    return found;
  }

  /**
   * What an error is measured by: the tensor's own size, but for the strength of a layer's noise that of its bias. The
   * first is one number, the sum over the image of noise times the gradients whose sums the second is; it nearly
   * cancels, to less than a two-hundredth in two layers, and what is left has the rounding errors of all its terms.
   */
  private static double scale(GoldenNetworks golden, String output) {
    return GoldenNetworks.norm(golden.tensor(output.replace(".noise_strength", ".bias")).data());
  }

  private static double tolerance(String output) {
    return output.startsWith("grad.") ? GRADIENT_TOLERANCE : LOSS_TOLERANCE;
  }

  private static int output(Graph g, GoldenNetworks golden, Map<String, Value> parameters, String kind, String prefix,
      Value loss) {
    List<Value> trained = parameters.values().stream()
        .filter(p -> p.name().startsWith(prefix) && golden.has(kind + p.name().substring(prefix.length())))
        .toList();
    List<Value> gradients = Gradients.of(loss, trained);
    for (int i = 0; i < trained.size(); i++) {
      g.output(kind + trained.get(i).name().substring(prefix.length()), gradients.get(i));
    }
    return trained.size();
  }
}
