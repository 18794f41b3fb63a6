package dev.lethe.bench.model;

import dev.lethe.models.architecture.ProcessorGraphs;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.bundle.ModelCard.WStatistics;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.Compute;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.models.runtime.InferenceSession;
import dev.lethe.models.stylegan2.StyleGan2Bundle;
import dev.lethe.models.stylegan2.StyleGan2Config;
import dev.lethe.models.stylegan2.Weights;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * A model that benchmarks run on.
 *
 * @param title for people
 * @param repository folder of models that a server is started with; it holds this model alone
 * @param bundle the one version of it
 */
public record BenchModel(String title, Path repository, Bundle bundle) {

  /** StyleGAN2's config F at 256×256 with the reference's widths. */
  public static final StyleGan2Config CONFIG_F_256 = new StyleGan2Config(256, 3, 0, 512, 512, 8, 32768, 512);
  /** The same at 1024×1024: the reference's FFHQ model. */
  public static final StyleGan2Config CONFIG_F_1024 = new StyleGan2Config(1024, 3, 0, 512, 512, 8, 32768, 512);

  private static final long SEED = 1;
  /** Of every model here. */
  public static final String VERSION = "v1";
  /** Beside it, of {@link #inTwoVersions}. */
  public static final String NEXT_VERSION = "v2";

  /** The shipped model of this name. */
  public static BenchModel shipped(Path bundles, String name) throws IOException {
    Bundle bundle = Bundle.open(bundles.resolve(name).resolve(VERSION));
    ModelCard.Network network = bundle.card().network();
    return new BenchModel(name.toUpperCase(Locale.ROOT) + ", " + size(network), bundles, bundle);
  }

  /**
   * A model of random weights, made once and kept: a network takes as long with any weights.
   *
   * @param cache folder for it
   */
  public static BenchModel random(StyleGan2Config config, Path cache) throws IOException {
    String name = "stylegan2-" + config.resolution();
    Path repository = cache.resolve(name);
    Path directory = repository.resolve(name).resolve(VERSION);
    if (!Bundle.isBundle(directory)) {
      StyleGan2Bundle.write(directory, card(name, config), Weights.initialize(config, SEED));
    }
    return new BenchModel("StyleGAN2, " + size(config.network()), repository, Bundle.open(directory));
  }

  /**
   * A model as {@link #VERSION} and {@link #NEXT_VERSION}, which are the same but for the name.
   *
   * @param cache folder for it
   */
  public BenchModel inTwoVersions(Path cache) throws IOException {
    Path repository = cache.resolve("swap");
    for (String version : List.of(VERSION, NEXT_VERSION)) {
      Path directory = repository.resolve(name()).resolve(version);
      if (!Bundle.isBundle(directory)) {
        ModelCard card = bundle.card();
        StyleGan2Bundle.write(directory, new ModelCard(card.formatVersion(), card.name(), version, null,
            card.architecture(), card.network(), card.labels(), Map.of(), card.w(), null, null, Map.of()), weights());
      }
    }
    Files.writeString(repository.resolve(name()).resolve("active"), VERSION + "\n");
    return new BenchModel(title, repository, Bundle.open(repository.resolve(name()).resolve(VERSION)));
  }

  private static ModelCard card(String name, StyleGan2Config config) {
    return new ModelCard(ModelCard.FORMAT_VERSION, name, VERSION, null, ModelCard.STYLEGAN2, config.network(),
        List.of(), Map.of(), new WStatistics(new float[config.wDim()], new float[0][]), null, null, Map.of());
  }

  /** For example {@code 256×256}. */
  private static String size(ModelCard.Network network) {
    return network.resolution() + "×" + network.resolution();
  }

  /** Its parameters by name. */
  public Map<String, Tensor> weights() throws IOException {
    return StyleGan2Bundle.weights(bundle);
  }

  /** Its synthesis network as the server computes it. */
  public InferenceSession served(ExecutionDevice device, int threads) {
    Optional<ProcessorGraphs> graphs = device.equals(ExecutionDevice.CPU) ? StyleGan2Bundle.forThisProcessor(bundle)
        : Optional.empty();
    return graphs.isPresent() ? InferenceSession.openBlocked(graphs.get().synthesis(), threads)
        : InferenceSession.open(bundle.synthesis(), new Compute(device, threads));
  }

  /** The name by which a server knows it. */
  public String name() {
    return bundle.card().name();
  }
}
