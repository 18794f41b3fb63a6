package dev.lethe.models.stylegan2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.Value;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DiscriminatorPartsTest {

  @ParameterizedTest
  @ValueSource(ints = {0, 3})
  void everyParameterBelongsToThePartThatUsesIt(int classes) {
    StyleGan2Config config = new StyleGan2Config(64, 3, classes, 8, 8, 1, 256, 8);
    Graph stem = new Graph("stem");
    Value activations = Discriminator.stem(stem, config, stem.input("image", 4, 3, 64, 64));
    assertArrayEquals(Discriminator.stemShape(config, 4), activations.shape());

    Graph head = new Graph("head");
    Discriminator.head(head, config, head.input("activations", Discriminator.stemShape(config, 4)),
        classes == 0 ? null : head.input("c", 4, classes));
    Set<String> all = Weights.shapes(config).keySet().stream().filter(name -> name.startsWith("D."))
        .collect(Collectors.toCollection(TreeSet::new));
    Set<String> inHead = all.stream().filter(Discriminator::inHead).collect(Collectors.toCollection(TreeSet::new));
    assertEquals(inHead, new TreeSet<>(head.parameters().keySet()));
    all.removeAll(inHead);
    assertEquals(all, new TreeSet<>(stem.parameters().keySet()));
  }
}
