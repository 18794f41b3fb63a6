package dev.lethe.models.stylegan2.imports;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.checkpoint.CheckpointException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Files that want something executed, cost more than they are worth, or are broken: each is refused by name. */
@Timeout(600)
class HostileFilesTest {

  @TempDir
  private Path directory;

  // ---- what wants to be executed ----

  static Stream<Arguments> commands() {
    return Stream.of(
        Arguments.of("reduce", "os.system", (Attack) canary -> new PickleText()
            .ops("cos\nsystem\n(S'touch " + canary + "'\ntR").end()),
        Arguments.of("reduce by another name", "posix.system", (Attack) canary -> new PickleText()
            .ops("cposix\nsystem\n(S'touch " + canary + "'\ntR").end()),
        Arguments.of("stack global", "os.system", (Attack) canary -> new PickleText().ops("\u0080\u0004")
            .text("os").text("system").ops("\u0093").text("touch " + canary).ops("\u0085R").end()),
        Arguments.of("new object", "subprocess.Popen", (Attack) canary -> new PickleText().ops("\u0080\u0002")
            .ops("csubprocess\nPopen\n").text("touch " + canary).ops("\u0085\u0081").end()),
        Arguments.of("instance", "os.system", (Attack) canary -> new PickleText()
            .ops("(S'touch " + canary + "'\nios\nsystem\n").end()),
        Arguments.of("object", "os.system", (Attack) canary -> new PickleText()
            .ops("(cos\nsystem\nS'touch " + canary + "'\no").end()),
        Arguments.of("eval", "builtins.eval", (Attack) canary -> new PickleText()
            .ops("c__builtin__\neval\n(S'open(\"" + canary + "\", \"w\")'\ntR").end()),
        Arguments.of("getattr", "builtins.getattr", (Attack) canary -> new PickleText()
            .ops("c__builtin__\ngetattr\n(cbuiltins\ndict\nS'x'\ntR").end()),
        Arguments.of("attribute of a known class", "collections.OrderedDict.__class__", (Attack) canary ->
            new PickleText().ops("\u0080\u0004").text("collections").text("OrderedDict.__class__").ops("\u0093").end()),
        Arguments.of("named, and not called", "os.system", (Attack) canary -> new PickleText()
            .ops("}").text("G_ema").ops("cos\nsystem\ns").end()),
        Arguments.of("within a storage", "os.system", (Attack) canary -> new PickleText()
            .ops("\u0080\u0003ctorch.storage\n_load_from_bytes\n").bytes(legacy(new PickleText()
                .ops("cos\nsystem\n(S'touch " + canary + "'\ntR").end())).ops("\u0085R").end()),
        Arguments.of("within a storage within a storage", "torch.storage._load_from_bytes", (Attack) canary ->
            new PickleText().ops("\u0080\u0003ctorch.storage\n_load_from_bytes\n").bytes(legacy(new PickleText()
                .ops("\u0080\u0003ctorch.storage\n_load_from_bytes\n").bytes(new byte[1]).ops("\u0085R").end()))
                .ops("\u0085R").end()),
        Arguments.of("legacy form", "os.system", (Attack) canary -> legacy(new PickleText()
            .ops("cos\nsystem\n(S'touch " + canary + "'\ntR").end())),
        Arguments.of("zip form", "os.system", (Attack) canary -> zip(true, "archive/data.pkl", new PickleText()
            .ops("cos\nsystem\n(S'touch " + canary + "'\ntR").end())),
        Arguments.of("source text of ADA", "expected: Generator", (Attack) canary -> new PickleText()
            .ops("\u0080\u0003}").text("G_ema").ops("ctorch_utils.persistence\n_reconstruct_persistent_obj\n}(")
            .text("type").text("class").text("version").ops("K\u0006").text("module_src")
            .text("open('" + canary + "', 'w')\n".repeat(1000)).text("class_name").text("Attack").text("state")
            .ops("}u\u0085Rs").end()));
  }

  /** A file that makes a canary if anything of it runs. */
  private interface Attack {
    byte[] file(Path canary) throws IOException;
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("commands")
  void nothingIsExecuted(String name, String named, Attack attack) throws IOException {
    Path canary = directory.resolve("canary");
    refused(attack.file(canary), named);
    assertFalse(Files.exists(canary));
  }

  // ---- what costs more than it is worth ----

  static Stream<Arguments> bombs() throws IOException {
    return Stream.of(
        Arguments.of("lists within lists", "it is a list", new PickleText().repeated("]", 900_000)
            .repeated("a", 899_999).end()),
        Arguments.of("a list within itself", "it is a list", new PickleText().ops("]q\0h\0a").end()),
        Arguments.of("a dictionary within itself", "G_ema", new PickleText().ops("}q\0").text("G_ema").ops("h\0s")
            .end()),
        Arguments.of("a module within itself", "more modules within modules", new PickleText().ops("\u0080\u0002}q\0")
            .text("G_ema").ops("ctorch_utils.persistence\n_reconstruct_persistent_obj\n}q\1\u0085Rq\2s0h\1")
            .text("class_name").text("Generator").ops("sh\1").text("state").ops("}q\3s0h\3").text("_parameters")
            .ops("}sh\3").text("_buffers").ops("}s0h\3").text("_modules").ops("}").text("a").ops("h\2ss0h\0").end()),
        Arguments.of("copies of copies", "copies more than", doubling()),
        Arguments.of("operations", "operations", new PickleText().repeated("N", 3_000_000).end()),
        Arguments.of("marks", "operations", new PickleText().repeated("(", 3_000_000).end()),
        Arguments.of("long bytes", "announces", new PickleText().ops("\u008e").number(1L << 62, 8).end()),
        Arguments.of("negative bytes", "announces", new PickleText().ops("\u008e").number(-1, 8).end()),
        Arguments.of("long text", "announces", new PickleText().ops("X").number(0xfffffff0L, 4).end()),
        Arguments.of("long number", "whole number", new PickleText().ops("\u008b").number(Integer.MAX_VALUE, 4).end()),
        Arguments.of("many digits", "whole number", new PickleText().ops("L" + "9".repeat(1_000_000) + "L\n").end()),
        Arguments.of("compressed pickle", "compressed", zip(false, "archive/data.pkl", new byte[64 << 20])),
        Arguments.of("nothing in a zip file", "data.pkl", zip(true, "other", new byte[1])),
        Arguments.of("storage larger than its file", "elements", torchZip("ctorch\nFloatStorage\n", 1L << 30, 4)),
        Arguments.of("large shape", "reaches beyond its storage", safetensors("[1099511627776]", 0, 4)),
        Arguments.of("shape beyond numbers", "larger than any storage", safetensors(
            "[4294967296,4294967296,4294967296]", 0, 4)),
        Arguments.of("negative shape", "makes no sense", safetensors("[-1]", 0, 4)),
        Arguments.of("offsets beyond the file", "cut short", safetensors("[1000]", 0, 4000)),
        Arguments.of("header beyond the file", "header",
            new PickleText().number(1 << 20, 8).ops("{}").end()));
  }

  /** A dictionary of 10,000 entries, and copies of it for five bytes each. */
  private static byte[] doubling() {
    PickleText pickle = new PickleText().ops("\u0080\u0002ccollections\nOrderedDict\nq\0}q\1(");
    for (int i = 0; i < 10_000; i++) {
      pickle.ops("J").number(i, 4).ops("N");
    }
    return pickle.ops("u").repeated("h\0h\1\u0085R", 200_000).end();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("bombs")
  void costsAreBounded(String name, String found, byte[] file) throws IOException {
    long before = used();
    refused(file, found);
    // What the refusal leaves behind is rubbish; what it took is no multiple of what the largest file is worth.
    assertTrue(used() - before < 256L << 20);
  }

  private static long used() {
    System.gc();
    return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
  }

  // ---- what is broken ----

  @ParameterizedTest
  @MethodSource("files")
  void truncatedFilesAreRefused(String name) throws IOException {
    byte[] whole = Files.readAllBytes(GoldenImports.file(name, directory));
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < 100; i++) {
      refused(Arrays.copyOf(whole, i < 20 ? i : random.nextInt(whole.length)), "");
    }
    refused(Arrays.copyOf(whole, whole.length - 1), "");
  }

  static Stream<String> files() {
    return Stream.of("ada-g-only-32-rgb.pkl", "tf-stylegan2-32-rgb.pkl", "rosinality-g-ema-32.pt", "own.safetensors",
        "own.pt");
  }

  /** Bytes changed, left out and put in at random places: 10,000 files, each read or refused by name. */
  @ParameterizedTest
  @CsvSource({"ada-g-only-32-rgb.pkl, 1000", "tf-stylegan2-32-rgb.pkl, 1000", "rosinality-g-ema-32.pt, 2000",
      "own.safetensors, 3000", "own.pt, 3000"})
  void mutatedFilesAreReadOrRefused(String name, int mutations) throws IOException {
    byte[] whole = Files.readAllBytes(GoldenImports.file(name, directory));
    SplittableRandom random = new SplittableRandom(name.hashCode());
    Path file = directory.resolve("mutated");
    int refusals = 0;
    for (int i = 0; i < mutations; i++) {
      Files.write(file, mutated(whole, random));
      try {
        ModelImport.read(file, (values, all) -> {});
      } catch (CheckpointException e) {
        assertTrue(e.getMessage().startsWith(file + ": "), e.getMessage());
        refusals++;
      }
    }
    // Most bytes are of weights, where a change goes unnoticed unless it makes no number.
    assertTrue(refusals > mutations / 10, refusals + " of " + mutations);
  }

  /** A bit of a weight makes another weight, which nothing but the checksum tells. */
  @Test
  void damagedFilesOfAZipFileAreNamed() throws IOException {
    Path file = GoldenImports.file("own.pt", directory);
    byte[] whole = Files.readAllBytes(file);
    List<String> entries;
    try (ZipFile zip = new ZipFile(file.toFile())) {
      entries = zip.stream().map(ZipEntry::getName)
          .filter(entry -> entry.contains("/data/") || entry.endsWith("/data.pkl")).toList();
    }
    assertTrue(entries.size() > 10, entries::toString);
    for (String entry : entries) {
      byte[] bytes = whole.clone();
      bytes[contents(bytes, entry)] ^= 1;
      refused(bytes, entry + " is damaged: its CRC-32 is ");
    }
  }

  /** Where the contents of a file in a zip file begin. */
  private static int contents(byte[] zip, String entry) {
    String text = new String(zip, StandardCharsets.ISO_8859_1);
    for (int at = text.indexOf(entry); at >= 30; at = text.indexOf(entry, at + 1)) {
      if (text.startsWith("PK\3\4", at - 30)) {
        ByteBuffer header = ByteBuffer.wrap(zip).order(ByteOrder.LITTLE_ENDIAN);
        if (header.getShort(at - 30 + 26) == entry.length()) {
          return at + entry.length() + header.getShort(at - 30 + 28);
        }
      }
    }
    throw new IllegalArgumentException("there is no " + entry);
  }

  private static byte[] mutated(byte[] whole, SplittableRandom random) {
    byte[] bytes = whole.clone();
    int edits = 1 + random.nextInt(4);
    for (int i = 0; i < edits; i++) {
      // The structure is denser at the start and at the end.
      int range = switch (random.nextInt(3)) {
        case 0 -> Math.min(bytes.length, 2048);
        default -> bytes.length;
      };
      int at = random.nextInt(3) == 0 ? bytes.length - 1 - random.nextInt(range) : random.nextInt(range);
      switch (random.nextInt(4)) {
        case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
        case 1 -> bytes[at] = (byte) random.nextInt(256);
        case 2 -> bytes = cut(bytes, at, random.nextInt(16), 0);
        default -> bytes = cut(bytes, at, 0, random.nextInt(16));
      }
      if (bytes.length < 2) {
        return bytes;
      }
    }
    return bytes;
  }

  /** Without some bytes at a place, and with zeros there. */
  private static byte[] cut(byte[] bytes, int at, int without, int with) {
    int after = Math.min(bytes.length, at + without);
    byte[] result = new byte[at + with + bytes.length - after];
    System.arraycopy(bytes, 0, result, 0, at);
    System.arraycopy(bytes, after, result, at + with, bytes.length - after);
    return result;
  }

  // ---- what is something else ----

  @Test
  void otherModelsAreNamed() throws IOException {
    refused(module("Generator", "input", "L0_36_512"), "StyleGAN3", "L0_36_512");
    refused(module("SuperresGenerator"), "StyleGAN-XL", "SuperresGenerator");
    refused(new PickleText().ops("\u0080\u0003cpg_modules.discriminator\nProjectedDiscriminator\n)\u0081").end(),
        "pg_modules.discriminator.ProjectedDiscriminator", "StyleGAN-XL");
    PickleText one = new PickleText().ops("\u0080\u0003");
    for (int i = 0; i < 3; i++) {
      one.ops("cdnnlib.tflib.network\nNetwork\n)\u0081}").text("build_func_name").text("G_style").ops("s")
          .text("components").ops("}s").text("variables").ops("]sb");
    }
    refused(one.ops("\u0087").end(), "StyleGAN1", "G_style");
    refused(new PickleText().ops("}").text("epoch").ops("K\1s").text("net").ops("}s").end(), "epoch, net");
    refused(new PickleText().ops("K\1").end(), "it is 1");
    refused("Just text, and no checkpoint.\n".getBytes(StandardCharsets.UTF_8), "it is text, and no checkpoint",
        "a .pt of rosinality's code");
    refused("gradients: 1\n".getBytes(StandardCharsets.UTF_8), "it is text, and no checkpoint");
    refused("version https://git-lfs.github.com/spec/v1\noid".getBytes(StandardCharsets.UTF_8), "'git lfs pull'");
    refused(new byte[0], "empty");
  }

  @ParameterizedTest
  @CsvSource({"ffd8ffe000104a464946, a JPEG image", "89504e470d0a1a0a0000000d, a PNG image",
      "524946462400000057454250, a WebP image", "0000001866747970686569630000, a HEIC image",
      "1f8b0800, compressed by gzip", "934e554d5059010076, a NumPy array", "255044462d312e37, a PDF"})
  void whatIsNoCheckpointIsTold(String start, String what) throws IOException {
    refused(Arrays.copyOf(HexFormat.of().parseHex(start), 1000), "it is " + what,
        "expected: a pickle of StyleGAN2-ADA");
  }

  /** As the format's own library has it. */
  @Test
  void safetensorsHaveNothingBetweenAndAfterTheirTensors() throws IOException {
    byte[] own = Files.readAllBytes(GoldenImports.file("own.safetensors", directory));
    refused(Arrays.copyOf(own, own.length + 3), "3 bytes follow that belong to none");
    byte[] header = ("{\"G.mapping.fc0.weight\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}")
        .getBytes(StandardCharsets.UTF_8);
    refused(ByteBuffer.allocate(Long.BYTES + header.length + 8).order(ByteOrder.LITTLE_ENDIAN).putLong(header.length)
        .put(header).array(), "G.mapping.fc0.weight begins at byte 4", "ends at 0");
  }

  /** A pickle within a pickle is at one place of the file. */
  @Test
  void aPlaceIsToldOnce() throws IOException {
    Path file = directory.resolve("nested");
    Files.write(file, new PickleText().ops("\u0080\u0003ctorch.storage\n_load_from_bytes\n")
        .bytes(legacy(new PickleText().ops("cos\nsystem\n)R").end())).ops("\u0085R").end());
    String message = assertThrows(CheckpointException.class, () -> ModelImport.read(file, (values, all) -> {}))
        .getMessage();
    assertTrue(message.indexOf("(at byte ") > 0 && message.indexOf("(at byte ") == message.lastIndexOf("(at byte "),
        message);
  }

  @Test
  void whatIsLeftOfALegacyFileIsToldInBytes() throws IOException {
    byte[] whole = Files.readAllBytes(GoldenImports.file("rosinality-g-ema-32.pt", directory));
    Path file = directory.resolve("short.pt");
    Files.write(file, Arrays.copyOf(whole, whole.length - 1));
    String message = assertThrows(CheckpointException.class, () -> ModelImport.read(file, (values, all) -> {}))
        .getMessage();
    Matcher told = Pattern.compile(
        ".* has (\\d+) elements of 4 bytes each, (\\d+) bytes, and (\\d+) bytes are left.*").matcher(message);
    assertTrue(told.matches(), message);
    assertEquals(4 * Long.parseLong(told.group(1)), Long.parseLong(told.group(2)));
    assertEquals(Long.parseLong(told.group(2)) - 1, Long.parseLong(told.group(3)));
  }

  /** G_ema of a class, whose module synthesis has such modules. */
  private static byte[] module(String className, String... parts) {
    PickleText pickle = new PickleText().ops("\u0080\u0003}").text("G_ema");
    begin(pickle, className);
    pickle.text("synthesis");
    begin(pickle, "SynthesisNetwork");
    for (String part : parts) {
      pickle.text(part);
      begin(pickle, "Part");
      end(pickle);
      pickle.ops("s");
    }
    end(pickle);
    pickle.ops("s");
    end(pickle);
    return pickle.ops("s").end();
  }

  /** A module up to those within it. */
  private static void begin(PickleText pickle, String className) {
    pickle.ops("ctorch_utils.persistence\n_reconstruct_persistent_obj\n}").text("class_name").text(className).ops("s")
        .text("state").ops("}").text("_parameters").ops("}s").text("_buffers").ops("}s").text("_modules").ops("}");
  }

  private static void end(PickleText pickle) {
    pickle.ops("ss\u0085R");
  }

  @Test
  void otherByteOrdersAndTypesAreRefused() throws IOException {
    refused(legacy(true, new PickleText().ops("N").end()), "big-endian");
    refused(zipOf(Map.of("archive/data.pkl", new PickleText().ops("N").end(), "archive/byteorder",
        "big".getBytes(StandardCharsets.US_ASCII))), "byte order is big");
    refused(bigEndianArray(), "big-endian");
    byte[] own = Files.readAllBytes(GoldenImports.file("own.safetensors", directory));
    String text = new String(own, StandardCharsets.ISO_8859_1);
    refused(text.replaceFirst("\"dtype\":\"F32\"", "\"dtype\":\"I32\"").getBytes(StandardCharsets.ISO_8859_1),
        "type I32", "floating-point");
    refused(text.replaceFirst("\"dtype\":\"F32\"", "\"dtype\":\"F99\"").getBytes(StandardCharsets.ISO_8859_1), "F99");
    refused(text.replaceFirst("G.mapping.fc0.bias", "G.mapping.fc0.bios").getBytes(StandardCharsets.ISO_8859_1),
        "G.mapping.fc0.bios");
  }

  private static byte[] bigEndianArray() {
    return new PickleText()
        .ops("\u0080\u0003cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\u0085C\1b\u0087R")
        .ops("(K\1K\1\u0085cnumpy\ndtype\n").text("f4").ops("\u0089\u0088\u0087R(K\3").text(">").ops("NNNJ")
        .number(-1, 4).ops("J").number(-1, 4).ops("K\0tb\u0089").bytes(new byte[4]).ops("tb").end();
  }

  // ---- files ----

  private static byte[] legacy(byte[] root) {
    return legacy(false, root);
  }

  private static byte[] legacy(boolean bigEndian, byte[] root) {
    return new PickleText().raw(new PickleText().ops("\u0080\u0002\u008a\nl\u00fc\u009cF\u00f9 j\u00a8P\u0019").end())
        .raw(new PickleText().ops("\u0080\u0002M\u00e9\u0003").end())
        .raw(new PickleText().ops("\u0080\u0002}").text("little_endian").ops(bigEndian ? "\u0089s" : "\u0088s").end())
        .raw(root).ops("]").end();
  }

  private static byte[] torchZip(String type, long size, int bytes) throws IOException {
    return zipOf(Map.of("archive/data.pkl", new PickleText().ops("\u0080\u0002(").text("storage").ops(type).text("0")
        .text("cpu").ops("\u008a\5").number(size, 5).ops("tQ").end(), "archive/data/0", new byte[bytes]));
  }

  private static byte[] zip(boolean stored, String name, byte[] content) throws IOException {
    return stored ? zipOf(Map.of(name, content)) : deflated(name, content);
  }

  private static byte[] deflated(String name, byte[] content) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      zip.putNextEntry(new ZipEntry(name));
      zip.write(content);
    }
    return bytes.toByteArray();
  }

  private static byte[] zipOf(Map<String, byte[]> files) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      zip.setMethod(ZipOutputStream.STORED);
      for (Map.Entry<String, byte[]> file : files.entrySet()) {
        CRC32 sum = new CRC32();
        sum.update(file.getValue());
        ZipEntry entry = new ZipEntry(file.getKey());
        entry.setSize(file.getValue().length);
        entry.setCrc(sum.getValue());
        zip.putNextEntry(entry);
        zip.write(file.getValue());
      }
    }
    return bytes.toByteArray();
  }

  private static byte[] safetensors(String shape, int begin, int end) {
    byte[] header = ("{\"G.mapping.fc0.weight\":{\"dtype\":\"F32\",\"shape\":" + shape + ",\"data_offsets\":[" + begin
        + ","
        + end + "]}}").getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(Long.BYTES + header.length + 4).order(ByteOrder.LITTLE_ENDIAN).putLong(header.length)
        .put(header).array();
  }

  private void refused(byte[] content, String... parts) throws IOException {
    Path file = directory.resolve("users-file");
    Files.write(file, content);
    CheckpointException refusal = assertThrows(CheckpointException.class,
        () -> ModelImport.read(file, (values, all) -> {}));
    for (String part : parts) {
      assertTrue(refusal.getMessage().contains(part), refusal.getMessage() + " lacks " + part);
    }
    assertTrue(refusal.getMessage().startsWith(file + ": "), refusal.getMessage());
  }
}
