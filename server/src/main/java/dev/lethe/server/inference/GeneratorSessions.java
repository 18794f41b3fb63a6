package dev.lethe.server.inference;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import dev.lethe.models.architecture.GanArchitecture;
import dev.lethe.models.architecture.Precision;
import dev.lethe.models.architecture.ProcessorGraphs;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.runtime.ChannelBlock;
import dev.lethe.models.runtime.NativeRuntime;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** The mapping and synthesis sessions of one version. They run on any number of threads at once. */
final class GeneratorSessions implements AutoCloseable {

  private final ModelCard card;
  private final ServingCompute compute;
  private final OrtEnvironment environment;
  private final OrtSession mapping;
  private final OrtSession synthesis;

  private GeneratorSessions(ModelCard card, ServingCompute compute, OrtEnvironment environment, OrtSession mapping,
      OrtSession synthesis) {
    this.card = card;
    this.compute = compute;
    this.environment = environment;
    this.mapping = mapping;
    this.synthesis = synthesis;
  }

  /**
   * Loads both graphs and checks that their inputs and outputs are what the card says.
   *
   * @throws IOException if a graph cannot be loaded, is not that of the card or cannot be had in this precision, with
   *     the reason
   */
  static GeneratorSessions load(Bundle bundle, ServingCompute compute) throws IOException {
    NativeRuntime runtime = NativeRuntime.load();
    OrtSession mapping = null;
    OrtSession synthesis = null;
    try (OrtSession.SessionOptions options = runtime.sessionOptions(compute.sessions())) {
      // Training runs beside serving: idle threads must not spin the cores away from it.
      options.addConfigEntry("session.intra_op.allow_spinning", "0");
      OrtEnvironment environment = runtime.environment();
      Optional<ProcessorGraphs> graphs = compute.mayRebuild()
          ? GanArchitecture.find(bundle.card()).flatMap(architecture -> architecture.forThisProcessor(bundle))
          : Optional.empty();
      if (graphs.isPresent()) {
        mapping = environment.createSession(graphs.get().mapping().toByteArray(), options);
        ChannelBlock.keep(options);
        synthesis = environment.createSession(graphs.get().synthesis().toByteArray(), options);
      } else {
        mapping = environment.createSession(bundle.mapping().toString(), options);
        synthesis = compute.precision() == Precision.FP32
            ? environment.createSession(bundle.synthesis().toString(), options)
            : environment.createSession(synthesis(bundle, compute.precision()), options);
      }
      GeneratorSessions generator = new GeneratorSessions(bundle.card(), compute, environment, mapping, synthesis);
      generator.checkShapes(bundle);
      return generator;
    } catch (OrtException | IOException e) {
      close(mapping, synthesis);
      throw e instanceof IOException io ? io
          : new IOException("bundle " + bundle.location() + " cannot be loaded: " + e.getMessage(), e);
    }
  }

  /**
   * Opens a synthesis session with a second input, {@code noise}; the caller closes it.
   *
   * @param bundle the same as at first, wherever it lies now
   * @throws IOException if it cannot be read or loaded, with the reason
   */
  OrtSession openNoisy(Bundle bundle) throws IOException {
    try (OrtSession.SessionOptions options = NativeRuntime.load().sessionOptions(compute.sessions())) {
      options.addConfigEntry("session.intra_op.allow_spinning", "0");
      return environment.createSession(
          GanArchitecture.of(card).noisySynthesis(bundle, compute.precision()).toByteArray(), options);
    } catch (OrtException e) {
      throw new IOException("bundle " + bundle.location() + " cannot be loaded: " + e.getMessage(), e);
    }
  }

  private static byte[] synthesis(Bundle bundle, Precision precision) throws IOException {
    try {
      return GanArchitecture.of(bundle.card()).synthesis(bundle, precision).toByteArray();
    } catch (IllegalArgumentException e) {
      throw new IOException("bundle " + bundle.location() + " cannot be served in "
          + precision.name().toLowerCase(Locale.ROOT) + ", only in fp32 (precision): " + e.getMessage(), e);
    }
  }

  private void checkShapes(Bundle bundle) throws IOException {
    ModelCard.Network network = card.network();
    try {
      check(bundle.mapping(), mapping.getInputInfo(), "z", network.zDim());
      if (card.conditional()) {
        check(bundle.mapping(), mapping.getInputInfo(), "c", card.labels().size());
      }
      check(bundle.mapping(), mapping.getInputInfo(), "psi", 1);
      check(bundle.mapping(), mapping.getOutputInfo(), "ws", network.numWs(), network.wDim());
      check(bundle.synthesis(), synthesis.getInputInfo(), "ws", network.numWs(), network.wDim());
      check(bundle.synthesis(), synthesis.getOutputInfo(), "image", network.channels(), network.resolution(),
          network.resolution());
    } catch (OrtException e) {
      throw new IOException("bundle " + bundle.location() + " cannot be inspected: " + e.getMessage(), e);
    }
  }

  private static void check(Path file, Map<String, NodeInfo> nodes, String name, long... dims) throws IOException {
    NodeInfo node = nodes.get(name);
    if (node == null || !(node.getInfo() instanceof TensorInfo info)) {
      throw new IOException(file + " has no tensor \"" + name + "\"; it has " + nodes.keySet());
    }
    long[] shape = info.getShape();
    if (shape.length != dims.length + 1 || !Arrays.equals(Arrays.copyOfRange(shape, 1, shape.length), dims)) {
      throw new IOException(file + ": \"" + name + "\" has shape " + Arrays.toString(shape)
          + ", and by its card it should be [N, " + Arrays.toString(dims).substring(1));
    }
  }

  ModelCard card() {
    return card;
  }

  OrtEnvironment environment() {
    return environment;
  }

  OrtSession mapping() {
    return mapping;
  }

  OrtSession synthesis() {
    return synthesis;
  }

  @Override
  public void close() {
    close(mapping, synthesis);
  }

  private static void close(OrtSession... sessions) {
    for (OrtSession session : sessions) {
      if (session != null) {
        try {
          session.close();
        } catch (OrtException e) {
          throw new IllegalStateException("ONNX Runtime cannot close a session", e);
        }
      }
    }
  }
}
