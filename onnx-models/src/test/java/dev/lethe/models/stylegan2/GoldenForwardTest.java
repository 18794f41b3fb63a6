package dev.lethe.models.stylegan2;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.OnnxWriter;
import dev.lethe.models.graph.Shapes;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import dev.lethe.models.runtime.InferenceSession;
import dev.lethe.models.runtime.TestDevice;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Both networks against the numbers of the reference implementation, with a fixed and with a free batch. */
class GoldenForwardTest {

  private static final double TOLERANCE = 1e-4;

  @ParameterizedTest
  @CsvSource({"cond-32-gray, fixed", "cond-32-gray, free", "uncond-32-rgb, fixed", "uncond-32-rgb, free"})
  void networksAgreeWithTheReference(String name, String batch) {
    GoldenNetworks golden = new GoldenNetworks(name);
    StyleGan2Config config = golden.config();
    long n = batch.equals("free") ? Shapes.FREE : golden.batch();

    Graph g = new Graph("reference");
    Value z = g.input("z", n, config.zDim());
    Value label = config.conditional() ? g.input("c", n, config.classes()) : null;
    Value psi = g.input("psi", n, 1);
    Value real = g.input("real", n, config.channels(), config.resolution(), config.resolution());
    Value w = GeneratorNetwork.mapping(g, config, z, label);
    Value ws = config.broadcast(w);
    Value image = GeneratorNetwork.synthesis(g, config, ws, Noise.constant());
    g.output("ws", ws);
    g.output("ws_psi0.7", config.broadcast(GeneratorNetwork.truncate(g, config, w, psi)));
    g.output("img", image);
    g.output("img_noise_none", GeneratorNetwork.synthesis(g, config, ws, Noise.none()));
    g.output("d_fake", Discriminator.logits(g, config, image, label));
    g.output("d_real", Discriminator.logits(g, config, real, label));

    Map<String, Tensor> inputs = new HashMap<>(golden.inputs());
    inputs.put("real", golden.tensor("in.real"));
    Tensor psis = Tensor.zeros(golden.batch(), 1);
    Arrays.fill(psis.data(), 0.7f);
    inputs.put("psi", psis);
    try (InferenceSession session = InferenceSession.open(OnnxWriter.inference(g, golden.weights()),
        TestDevice.compute())) {
      session.run(inputs).forEach((output, actual) -> {
        double error = GoldenNetworks.relativeError(actual.data(), golden.tensor("out." + output).data());
        assertTrue(error < TOLERANCE, output + ": relative error " + error);
      });
    }
  }
}
