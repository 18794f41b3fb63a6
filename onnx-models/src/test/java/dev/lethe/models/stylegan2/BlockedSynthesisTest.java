package dev.lethe.models.stylegan2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.onnx.proto.OnnxMl.ModelProto;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.OnnxWriter;
import dev.lethe.models.graph.RandomTensors;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.ChannelBlock;
import dev.lethe.models.runtime.Compute;
import dev.lethe.models.runtime.InferenceSession;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The network in blocks of channels against the one that bundles have. */
class BlockedSynthesisTest {

  private static int block;

  @BeforeAll
  static void thisProcessorConvolvesInBlocks() {
    assumeTrue(ChannelBlock.size().isPresent());
    block = ChannelBlock.size().getAsInt();
  }

  @Test
  void theShippedModelDrawsTheSameDigits() throws IOException {
    Bundle bundle = Bundle.open(Path.of("bundles/mnist/v1"));
    StyleGan2Config config = StyleGan2Config.of(bundle.card());
    Map<String, Tensor> weights = StyleGan2Bundle.weights(bundle);
    ModelProto blocked = StyleGan2Bundle.forThisProcessor(bundle).orElseThrow().synthesis();
    Tensor ws = ws(config, 5);
    Tensor images = run(blocked, ws);
    check(plain(config, weights, ws), images, 1e-5);
    // An image does not depend on the batch that it is in.
    check(images.rows(2, 3), run(blocked, ws.rows(2, 3)), 1e-6);
  }

  @Test
  void manyChannelsAreConvolvedByWinograd() {
    // Four blocks of 16 x 16 and 32 x 32 with 256 channels.
    StyleGan2Config config = new StyleGan2Config(32, 3, 0, 8, 8, 1, 8192, 256);
    Map<String, Tensor> weights = TrainedWeights.of(config);
    Tensor ws = ws(config, 2);
    check(plain(config, weights, ws), blocked(config, weights, ws), 1e-4);
  }

  @Test
  void largeImagesOfOneBlockOfChannels() {
    StyleGan2Config config = new StyleGan2Config(1024, 1, 0, 8, 8, 1, 16384, 16);
    Map<String, Tensor> weights = TrainedWeights.of(config);
    Tensor ws = ws(config, 1);
    check(plain(config, weights, ws), blocked(config, weights, ws), 1e-5);
  }

  /** Limits that most activations and colors exceed, plain and with Winograd's convolutions. */
  @Test
  void activationsStayWithinTheirLimits() {
    for (int widest : new int[] {32, 256}) {
      StyleGan2Config free = new StyleGan2Config(32, 3, 0, 8, 8, 1, 32 * widest, widest);
      StyleGan2Config limited = new StyleGan2Config(32, 3, 0, 8, 8, 1, 32 * widest, widest, null, 0.5,
          DiscriminatorConfig.DEFAULT);
      Map<String, Tensor> weights = TrainedWeights.of(limited);
      Tensor ws = ws(limited, 2);
      Tensor expected = plain(limited, weights, ws);
      check(expected, blocked(limited, weights, ws), 1e-4);
      assertTrue(GoldenNetworks.relativeError(expected.data(), plain(free, weights, ws).data()) > 0.1);
    }
  }

  @Test
  void layersNeedWholeBlocks() {
    assertTrue(BlockedSynthesis.fits(new StyleGan2Config(64, 3, 0, 8, 8, 1, 64 * block, 512), block));
    assertFalse(BlockedSynthesis.fits(new StyleGan2Config(64, 3, 0, 8, 8, 1, 64 * block + 64, 512), block));
  }

  private static Tensor ws(StyleGan2Config config, int images) {
    return RandomTensors.normal(new SplittableRandom(1), images, config.numWs(), config.wDim());
  }

  private static Tensor plain(StyleGan2Config config, Map<String, Tensor> weights, Tensor ws) {
    try (InferenceSession session = InferenceSession.open(
        OnnxWriter.inference(ServingGraphs.synthesis(config), weights), Compute.cpu(1))) {
      return session.run(Map.of("ws", ws)).get("image");
    }
  }

  private static Tensor blocked(StyleGan2Config config, Map<String, Tensor> weights, Tensor ws) {
    Graph graph = BlockedSynthesis.graph(config, weights, block);
    return run(OnnxWriter.inference(graph, Map.of()), ws);
  }

  private static Tensor run(ModelProto model, Tensor ws) {
    try (InferenceSession session = InferenceSession.openBlocked(model, 1)) {
      return session.run(Map.of("ws", ws)).get("image");
    }
  }

  private static void check(Tensor expected, Tensor actual, double mostError) {
    assertArrayEquals(expected.shape(), actual.shape());
    assertEquals(0, GoldenNetworks.relativeError(actual.data(), expected.data()), mostError);
  }
}
