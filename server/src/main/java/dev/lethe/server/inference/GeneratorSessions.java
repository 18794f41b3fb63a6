package dev.lethe.server.inference;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.models.runtime.NativeRuntime;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * The mapping and synthesis sessions of one version. {@link #generate} may run on several threads at once; {@link
 * #close} only when it runs on none.
 */
public final class GeneratorSessions implements AutoCloseable {

  private final ModelCard card;
  private final OrtEnvironment environment;
  private final OrtSession mapping;
  private final OrtSession synthesis;

  private GeneratorSessions(ModelCard card, OrtEnvironment environment, OrtSession mapping, OrtSession synthesis) {
    this.card = card;
    this.environment = environment;
    this.mapping = mapping;
    this.synthesis = synthesis;
  }

  /**
   * Loads both graphs and checks that their inputs and outputs are what the card says.
   *
   * @param threads threads inside an operator, the calling thread included
   * @throws IOException if a graph cannot be loaded or is not that of the card, with the reason
   */
  public static GeneratorSessions load(Bundle bundle, ExecutionDevice device, int threads) throws IOException {
    NativeRuntime runtime = NativeRuntime.load();
    OrtSession mapping = null;
    OrtSession synthesis = null;
    try (OrtSession.SessionOptions options = runtime.sessionOptions(device, threads)) {
      // Training runs beside serving: idle threads must not spin the cores away from it.
      options.addConfigEntry("session.intra_op.allow_spinning", "0");
      mapping = runtime.environment().createSession(bundle.mapping().toString(), options);
      synthesis = runtime.environment().createSession(bundle.synthesis().toString(), options);
      GeneratorSessions generator = new GeneratorSessions(bundle.card(), runtime.environment(), mapping, synthesis);
      generator.checkShapes(bundle);
      return generator;
    } catch (OrtException | IOException e) {
      close(mapping, synthesis);
      throw e instanceof IOException io ? io
          : new IOException("bundle " + bundle.directory() + " cannot be loaded: " + e.getMessage(), e);
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
      throw new IOException("bundle " + bundle.directory() + " cannot be inspected: " + e.getMessage(), e);
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

  public ModelCard card() {
    return card;
  }

  /** Values in one image: C * H * W. */
  public int imageValues() {
    ModelCard.Network network = card.network();
    return network.channels() * network.resolution() * network.resolution();
  }

  /**
   * Runs batches of the given sizes, so that the first request does not pay for what a first run allocates.
   *
   * @throws IOException if an image has a value that is no number: the weights are broken
   */
  public void warm(int... batchSizes) throws IOException {
    Random random = new Random(0);
    for (int size : batchSizes) {
      Latent[] batch = new Latent[size];
      for (int i = 0; i < size; i++) {
        float[] z = new float[card.network().zDim()];
        for (int k = 0; k < z.length; k++) {
          z[k] = (float) random.nextGaussian();
        }
        batch[i] = new Latent.Z(z, card.conditional() ? i % card.labels().size() : 0, 1);
      }
      float[][] images;
      try {
        images = generate(List.of(batch));
      } catch (OrtException e) {
        throw new IOException("version " + card.version() + " of " + card.name() + " does not run: " + e.getMessage(),
            e);
      }
      for (float[] image : images) {
        for (float value : image) {
          if (!Float.isFinite(value)) {
            throw new IOException("version " + card.version() + " of " + card.name()
                + " generates values that are no numbers: its weights are broken");
          }
        }
      }
    }
  }

  /** One image [C, H, W] for each latent, row-major, about [-1, 1]. */
  public float[][] generate(List<Latent> batch) throws OrtException {
    ModelCard.Network network = card.network();
    int rowLength = network.numWs() * network.wDim();
    FloatBuffer ws = FloatBuffer.allocate(batch.size() * rowLength);
    List<Latent.Z> unmapped = batch.stream()
        .filter(Latent.Z.class::isInstance).map(Latent.Z.class::cast).toList();
    FloatBuffer mapped = unmapped.isEmpty() ? FloatBuffer.allocate(0) : map(unmapped);
    for (Latent latent : batch) {
      if (latent instanceof Latent.W w) {
        ws.put(w.ws());
      } else {
        float[] row = new float[rowLength];
        mapped.get(row);
        ws.put(row);
      }
    }
    ws.rewind();
    try (OnnxTensor input = OnnxTensor.createTensor(environment, ws,
            new long[] {batch.size(), network.numWs(), network.wDim()});
        OrtSession.Result result = synthesis.run(Map.of("ws", input))) {
      FloatBuffer pixels = ((OnnxTensor) result.get(0)).getFloatBuffer();
      float[][] images = new float[batch.size()][imageValues()];
      for (float[] image : images) {
        pixels.get(image);
      }
      return images;
    }
  }

  private FloatBuffer map(List<Latent.Z> batch) throws OrtException {
    int n = batch.size();
    int classes = card.labels().size();
    FloatBuffer z = FloatBuffer.allocate(n * card.network().zDim());
    FloatBuffer c = FloatBuffer.allocate(n * classes);
    FloatBuffer psi = FloatBuffer.allocate(n);
    for (int i = 0; i < n; i++) {
      z.put(batch.get(i).z());
      psi.put(batch.get(i).psi());
      if (card.conditional()) {
        c.put(i * classes + batch.get(i).classIndex(), 1);
      }
    }
    try (OnnxTensor zs = OnnxTensor.createTensor(environment, z.rewind(), new long[] {n, card.network().zDim()});
        OnnxTensor psis = OnnxTensor.createTensor(environment, psi.rewind(), new long[] {n, 1});
        OnnxTensor cs = card.conditional()
            ? OnnxTensor.createTensor(environment, c, new long[] {n, classes}) : null;
        OrtSession.Result result = mapping.run(
            cs == null ? Map.of("z", zs, "psi", psis) : Map.of("z", zs, "psi", psis, "c", cs))) {
      return ((OnnxTensor) result.get(0)).getFloatBuffer();
    }
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
