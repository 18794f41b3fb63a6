package dev.lethe.server.provenance;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lethe.models.files.Digests;
import dev.lethe.models.files.WholeFile;
import dev.lethe.server.provenance.Statement.Resource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/**
 * The signature of a version as a whole, in the form of OpenSSF's model signing: every file of its folder but the
 * signature itself, by its SHA-256. {@code model_signing verify key DIR --public_key K --signature DIR/model.sig}.
 */
public final class ModelSignature {

  /** The file, in the folder that it is of, or in one of its own where that cannot be written to. */
  public static final String FILE = "model.sig";
  public static final String PREDICATE = "https://model_signing/signature/v1.0";

  private ModelSignature() {}

  /** States what lies in a folder now. */
  public static Statement of(Path folder) throws IOException {
    return of(folder.getFileName().toString(), files(folder));
  }

  /** The same of a version by its name, and its {@link #files}. */
  public static Statement of(String version, List<Resource> files) {
    MessageDigest root = Digests.digest();
    ArrayNode resources = JsonNodeFactory.instance.arrayNode();
    for (Resource file : files) {
      root.update(HexFormat.of().parseHex(file.sha256()));
      resources.addObject().put("name", file.name()).put("algorithm", "sha256").put("digest", file.sha256());
    }
    ObjectNode predicate = JsonNodeFactory.instance.objectNode();
    ObjectNode serialization = predicate.putObject("serialization");
    serialization.put("method", "files").put("hash_type", "sha256").put("allow_symlinks", false);
    serialization.putArray("ignore_paths").add(FILE);
    predicate.set("resources", resources);
    return Statement.of(List.of(Resource.sha256(version,
        HexFormat.of().formatHex(root.digest()))), PREDICATE, predicate);
  }

  /**
   * The files of a folder, by name in order, but for the signature, and for what a crash has left of one.
   *
   * @throws ProvenanceException if there is a link among them, behind which anything may lie tomorrow
   */
  public static List<Resource> files(Path folder) throws IOException {
    List<Path> found;
    try (Stream<Path> all = Files.walk(folder)) {
      found = all.filter(path -> !Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS) && !WholeFile.isUnfinished(path))
          .toList();
    }
    List<Resource> files = new ArrayList<>();
    for (Path path : found) {
      String name = folder.relativize(path).toString().replace('\\', '/');
      if (!Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)) {
        throw new ProvenanceException(path + " is no file of its own: a version with links is not signed");
      }
      if (!name.equals(FILE)) {
        files.add(Resource.sha256(name, Digests.sha256(path)));
      }
    }
    files.sort(Comparator.comparing(Resource::name));
    return files;
  }

  /** What a signature says of the files, by name. */
  public static SortedMap<String, String> digests(Statement statement) throws ProvenanceException {
    if (!statement.predicateType().equals(PREDICATE)) {
      throw new ProvenanceException("it states " + statement.predicateType() + ", not " + PREDICATE);
    }
    SortedMap<String, String> digests = new TreeMap<>();
    for (JsonNode resource : statement.predicate().path("resources")) {
      digests.put(resource.path("name").asText(), resource.path("digest").asText());
    }
    return digests;
  }

  /**
   * Holds a folder against what was signed of it.
   *
   * @throws ProvenanceException naming the first file that is not as it was, is missing, or was added
   */
  public static void check(Statement statement, Path folder) throws IOException {
    check(statement, files(folder), name -> folder.resolve(name).toString());
  }

  /**
   * The same of files.
   *
   * @param locate where a file is, by its name
   */
  public static void check(Statement statement, List<Resource> files, UnaryOperator<String> locate)
      throws ProvenanceException {
    SortedMap<String, String> signed = digests(statement);
    for (Resource file : files) {
      String expected = signed.remove(file.name());
      if (expected == null) {
        throw new ProvenanceException(locate.apply(file.name()) + " was added after the version was signed");
      }
      if (!expected.equals(file.sha256())) {
        throw new ProvenanceException(locate.apply(file.name()) + " was changed after the version was signed");
      }
    }
    if (!signed.isEmpty()) {
      throw new ProvenanceException(locate.apply(signed.firstKey()) + " is missing, which was signed");
    }
  }
}
