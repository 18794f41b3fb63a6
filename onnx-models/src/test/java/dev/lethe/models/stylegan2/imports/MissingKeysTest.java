package dev.lethe.models.stylegan2.imports;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.checkpoint.Checkpoint;
import dev.lethe.models.checkpoint.CheckpointException;
import dev.lethe.models.checkpoint.Tree;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Whichever parameter a file lacks, the refusal has the file's own name of it. */
class MissingKeysTest {

  /** Nothing but what training alone needs, what is in the graphs and what is estimated may be missing. */
  private static final Predicate<String> NOT_NEEDED =
      name -> name.matches("(.*[./])?(resample_filter|kernel|lod|w_avg|dlatent_avg|latent_avg)");

  @TempDir
  private Path directory;

  /** Told of each tensor, while it is away. */
  private interface Visitor {
    void missing(String name) throws IOException;
  }

  static Stream<String> files() {
    return Stream.concat(GoldenImports.FILES.stream(), Stream.of("own.safetensors", "own.pt"));
  }

  @ParameterizedTest
  @MethodSource("files")
  void areNamedAsTheFileNamesThem(String file) throws IOException {
    int[] removed = {0};
    try (Checkpoint checkpoint = Checkpoint.open(GoldenImports.file(file, directory))) {
      Tree root = checkpoint.root();
      new NetworkReader(ModelImport.find(root)).config();
      Visitor visitor = name -> {
        if (NOT_NEEDED.test(name)) {
          return;
        }
        removed[0]++;
        CheckpointException refusal = assertThrows(CheckpointException.class,
            () -> new NetworkReader(ModelImport.find(root)).config(), name);
        assertTrue(Stream.of(refusal.getMessage().split("[ ,]+")).anyMatch(name::equals),
            () -> name + ": " + refusal.getMessage());
      };
      if (root.isList()) {
        variables(root.items().get(2), "Gs/", visitor);
        if (!root.items().get(1).isNull()) {
          variables(root.items().get(1), "D/", visitor);
        }
      } else if (file.startsWith("own")) {
        without(root, "", visitor);
      } else {
        for (String network : List.of(root.has("G_ema") ? "G_ema" : "g_ema", "D", "d")) {
          if (root.has(network) && !root.get(network).isNull()) {
            without(root.get(network), network, visitor);
          }
        }
      }
    }
    assertTrue(removed[0] > 30, file + ": " + removed[0]);
  }

  /** Takes each tensor out of the dictionaries below a place, one at a time. */
  private static void without(Tree tree, String path, Visitor visitor) throws IOException {
    if (!tree.isMap()) {
      if (tree.isObject("torch_utils.persistence._reconstruct_persistent_obj")) {
        Tree state = tree.argument().get("state");
        for (String part : List.of("_parameters", "_buffers", "_modules")) {
          without(state.get(part), path, visitor);
        }
      }
      return;
    }
    @SuppressWarnings("unchecked")
    Map<Object, Object> map = (Map<Object, Object>) tree.value();
    for (Map.Entry<String, Tree> entry : tree.children().entrySet()) {
      String name = path.isEmpty() ? entry.getKey() : path + "." + entry.getKey();
      if (entry.getValue().isTensor()) {
        Object value = map.remove(entry.getKey());
        visitor.missing(name);
        map.put(entry.getKey(), value);
      } else {
        without(entry.getValue(), name, visitor);
      }
    }
  }

  /** Takes each variable out of a network of TensorFlow and its parts, one at a time. */
  private static void variables(Tree network, String path, Visitor visitor) throws IOException {
    Tree state = network.state();
    @SuppressWarnings("unchecked")
    List<Object> list = (List<Object>) state.get("variables").value();
    for (int i = 0; i < list.size(); i++) {
      String name = path + state.get("variables").items().get(i).items().get(0).text();
      Object variable = list.remove(i);
      visitor.missing(name);
      list.add(i, variable);
    }
    if (state.has("components")) {
      for (Map.Entry<String, Tree> part : state.get("components").children().entrySet()) {
        variables(part.getValue(), path + part.getKey() + "/", visitor);
      }
    }
  }
}
