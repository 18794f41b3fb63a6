package dev.lethe.models.stylegan2.imports;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.checkpoint.CheckpointException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tuple;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;
import net.jqwik.api.statistics.Statistics;

/**
 * Pickles of any operations in any order, of which most know what they work on: classes of checkpoints and of
 * attackers, objects that contain themselves, sizes beyond the file.
 */
class AnyPickleTest {

  private static final String ATTACK = "(S'touch canary'\n";

  private static Path directory;

  @BeforeContainer
  static void make() throws IOException {
    directory = Files.createTempDirectory("any-pickle");
  }

  @AfterContainer
  static void delete() throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(directory);
  }

  @Provide
  Arbitrary<byte[]> pickles() {
    List<String> classes = List.of("collections\nOrderedDict", "torch_utils.persistence\n_reconstruct_persistent_obj",
        "dnnlib.tflib.network\nNetwork", "argparse\nNamespace", "torch._utils\n_rebuild_tensor_v2",
        "torch\nFloatStorage",
        "torch._utils\n_rebuild_parameter", "torch.storage\n_load_from_bytes", "numpy.core.multiarray\n_reconstruct",
        "numpy.core.multiarray\nscalar", "numpy\nndarray", "numpy\ndtype", "builtins\nbytearray", "_codecs\nencode",
        "builtins\nset", "copyreg\n_reconstructor", "torch\nSize", "builtins\nobject");
    List<String> attackers = List.of("os\nsystem", "posix\nsystem", "subprocess\nPopen", "builtins\neval",
        "builtins\nexec",
        "builtins\ngetattr", "__builtin__\napply", "importlib\nimport_module", "runpy\n_run_code", "torch\nload");
    Arbitrary<String> known = Arbitraries.of(classes).map(name -> "c" + name + "\n");
    Arbitrary<String> hostile = Arbitraries.of(attackers)
        .flatMap(name -> Arbitraries.of("c" + name + "\n" + ATTACK + "tR",
            "c" + name + "\n", ATTACK + "i" + name + "\n",
            ATTACK + "c" + name + "\no"));
    Arbitrary<String> texts = Arbitraries.of("G_ema", "G", "D", "g_ema", "class_name", "Generator", "state",
        "_parameters",
        "_buffers", "_modules", "storage", "0", "cpu", "latin1", "<", "f4", "module_src").map(AnyPickleTest::text);
    Arbitrary<String> numbers = Arbitraries.oneOf(Arbitraries.of("K\0", "K\1", "K\4", "J", "M\u00ff\u00ff", "N",
        "\u0088", "\u0089", "I01\n", "L9L\n", "F1e9\n", "G" + "\0".repeat(8), "\u008a\b" + "\u007f".repeat(8)),
        Arbitraries.bytes().map(b -> "K" + (char) (b & 0xff))).map(AnyPickleTest::fourBytes);
    Arbitrary<String> operations = Arbitraries.of("(", ")", "]", "}", "0", "1", "2", "t", "l", "d", "a", "e", "s",
        "u", "b",
        "R", "o", "Q", "\u0081", "\u0085", "\u0086", "\u0087", "\u008f", "\u0090", "\u0091", "\u0092", "\u0093",
        "\u0094");
    Arbitrary<String> memo = Arbitraries.integers().between(0, 3).flatMap(i ->
        Arbitraries.of("q" + (char) (int) i, "h" + (char) (int) i, "p" + i + "\n", "g" + i + "\n"));
    Arbitrary<String> sizes = Arbitraries.of("B\u00ff\u00ff\u00ff\u007f", "X\u00ff\u00ff\u00ff\u00ff",
        "\u008e" + "\u00ff".repeat(8), "\u0096" + "\0".repeat(7) + "\u0040", "\u008b\u00ff\u00ff\u00ff\u007f",
        "U\4abcd",
        "B\4\0\0\0abcd", "\u0080\4", "\u0080\u00ff", "\u0095" + "\0".repeat(8));
    Arbitrary<String> any = Arbitraries.bytes().map(b -> String.valueOf((char) (b & 0xff)));
    return Arbitraries.frequencyOf(Tuple.of(8, operations), Tuple.of(4, known),
        Tuple.of(1, hostile), Tuple.of(4, texts), Tuple.of(3, numbers),
        Tuple.of(3, memo), Tuple.of(1, sizes), Tuple.of(1, any))
        .list().ofMinSize(1).ofMaxSize(60).map(AnyPickleTest::pickle);
  }

  private static byte[] pickle(List<String> operations) {
    List<String> all = new ArrayList<>(List.of("\u0080\4"));
    all.addAll(operations);
    return (String.join("", all) + ".").getBytes(StandardCharsets.ISO_8859_1);
  }

  private static String text(String text) {
    return "X" + (char) text.length() + "\0\0\0" + text;
  }

  /** The operation of four bytes' whole numbers has its operand. */
  private static String fourBytes(String operation) {
    return operation.startsWith("J") ? "J\u00ff\u00ff\u00ff\u00ff" : operation;
  }

  @Property(tries = 10_000)
  void isReadOrRefusedByName(@ForAll("pickles") byte[] pickle) throws IOException {
    Path file = directory.resolve("users-file");
    Files.write(file, pickle);
    String outcome;
    try {
      ModelImport.read(file, (values, all) -> {});
      outcome = "read";
    } catch (CheckpointException e) {
      assertTrue(e.getMessage().startsWith(file + ": ") && e.getMessage().length() > file.toString().length() + 10,
          e.getMessage());
      outcome = e.getMessage().contains("nothing of it was executed") ? "names what is not known" : "makes no sense";
    }
    assertFalse(Files.exists(Path.of("canary")));
    Statistics.collect(outcome);
    // Such as come to a name at all, and not only to the first operation without an operand.
    Statistics.coverage(coverage -> coverage.check("names what is not known").percentage(p -> p > 2));
  }
}
