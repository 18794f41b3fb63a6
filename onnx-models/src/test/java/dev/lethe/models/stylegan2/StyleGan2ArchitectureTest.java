package dev.lethe.models.stylegan2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.architecture.GanArchitecture;
import dev.lethe.models.architecture.Networks;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.Compute;
import dev.lethe.models.runtime.InferenceSession;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the rest of the house knows of StyleGAN2: see {@link Networks}. */
class StyleGan2ArchitectureTest {

  @ParameterizedTest
  @ValueSource(ints = {0, 3})
  void everyParameterHasTheRoleOfTheNetworkThatUsesIt(int classes) {
    Networks networks = GanArchitecture.of(card(config(classes), null)).networks(card(config(classes), null));
    Graph mapping = new Graph("mapping");
    networks.mapping(mapping, mapping.input("z", 2, networks.zDim()),
        classes == 0 ? null : mapping.input("c", 2, classes));
    Graph synthesis = new Graph("synthesis");
    networks.synthesis(synthesis, networks.broadcast(synthesis.input("w", 2, networks.wDim())));
    Graph discriminator = new Graph("discriminator");
    networks.logits(discriminator, discriminator.input("image", 4, 1, 32, 32),
        classes == 0 ? null : discriminator.input("c", 4, classes));
    Graph head = new Graph("head");
    networks.head(head, head.input("activations", networks.stemShape(4)),
        classes == 0 ? null : head.input("c", 4, classes));

    assertEquals(discriminator.parameters().keySet(), chosen(networks, networks::isDiscriminator));
    assertEquals(head.parameters().keySet(), chosen(networks, networks::isDiscriminatorHead));
    Set<String> weights = new TreeSet<>(synthesis.parameters().keySet());
    weights.removeIf(name -> name.endsWith("noise_const"));
    assertTrue(weights.size() < synthesis.parameters().size());
    assertEquals(weights, chosen(networks, networks::isSynthesis));
    assertEquals(classes > 0, mapping.parameters().containsKey(networks.labelEmbedding()));
  }

  @ParameterizedTest
  @CsvSource({"4,1,5,8", "4,1,8,8", "0,1,5,5", "4,0,5,5", "8,2,3,8"})
  void batchesAreFilledUpToWholeGroups(int group, int deviations, int images, int whole) {
    Networks networks = new StyleGan2Config(32, 1, 0, 8, 8, 1, 256, 8, null, null,
        new DiscriminatorConfig(DiscriminatorConfig.Architecture.RESNET, null, null, group, deviations, 8, null));
    assertEquals(whole, networks.wholeGroups(images));
    assertTrue(networks.hasDiscriminator());
    assertFalse(new StyleGan2Config(32, 1, 0, 8, 8, 1, 256, 8, null, null, null).hasDiscriminator());
  }

  @Test
  void truncationIsTowardsTheCardsMean(@TempDir Path directory) throws IOException {
    StyleGan2Config config = config(0);
    float[] mean = {1, 2, 3, 4, 5, 6, 7, 8};
    ModelCard card = card(config, new ModelCard.WStatistics(mean, new float[0][]));
    Map<String, Tensor> weights = new HashMap<>(Weights.initialize(config, 1));
    weights.put("of.another.network", Tensor.zeros(1));
    GanArchitecture architecture = GanArchitecture.of(card);
    Bundle bundle = architecture.write(directory, card, weights, Optional.empty());

    try (InferenceSession session = InferenceSession.open(bundle.mapping(), Compute.cpu(1))) {
      float[] ws = session.run(Map.of("z", Tensor.of(new float[] {1, 0, 0, 0, 0, 0, 0, 0}, 1, 8), "psi",
          Tensor.zeros(1, 1))).get("ws").data();
      assertEquals(8 * config.numWs(), ws.length);
      IntStream.range(0, ws.length).forEach(i -> assertEquals(mean[i % 8], ws[i], 1e-6f));
    }
    Map<String, Tensor> read = architecture.weights(bundle);
    assertEquals(config.parameters().keySet(), read.keySet());
    read.keySet().stream().filter(name -> !name.endsWith(".w_avg"))
        .forEach(name -> assertArrayEquals(weights.get(name).data(), read.get(name).data(), name));
  }

  private static Set<String> chosen(Networks networks, Predicate<String> role) {
    return networks.parameters().keySet().stream().filter(role).collect(Collectors.toCollection(TreeSet::new));
  }

  private static StyleGan2Config config(int classes) {
    return new StyleGan2Config(32, 1, classes, 8, 8, 1, 256, 8);
  }

  private static ModelCard card(StyleGan2Config config, ModelCard.WStatistics w) {
    List<String> labels = IntStream.range(0, config.classes()).mapToObj(Integer::toString).toList();
    return new ModelCard(ModelCard.FORMAT_VERSION, "test", "1", null, ModelCard.STYLEGAN2, config.network(), labels,
        Map.of(), w, null, null, Map.of());
  }
}
