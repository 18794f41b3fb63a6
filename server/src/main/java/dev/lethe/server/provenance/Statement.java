package dev.lethe.server.provenance;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;

/**
 * An in-toto statement (v1): says something, the predicate, of files, the subjects.
 *
 * @param type {@link #TYPE}
 * @param subject what it is about
 * @param predicateType a URI that says how to read the predicate
 * @param predicate what is said
 */
@JsonPropertyOrder({"_type", "subject", "predicateType", "predicate"})
public record Statement(@JsonProperty("_type") String type, List<Resource> subject, String predicateType,
    JsonNode predicate) {

  public static final String TYPE = "https://in-toto.io/Statement/v1";
  /** What an envelope says that it holds. */
  public static final String MEDIA_TYPE = "application/vnd.in-toto+json";

  public Statement {
    subject = List.copyOf(subject);
  }

  public static Statement of(List<Resource> subject, String predicateType, JsonNode predicate) {
    return new Statement(TYPE, subject, predicateType, predicate);
  }

  /**
   * A file by its digest.
   *
   * @param name relative to the folder of the version, with slashes
   * @param digest lower-case hexadecimal by the algorithm's name, which is {@code sha256}
   */
  public record Resource(String name, Map<String, String> digest) {

    public Resource {
      digest = Map.copyOf(digest);
    }

    public static Resource sha256(String name, String digest) {
      return new Resource(name, Map.of("sha256", digest));
    }

    public String sha256() {
      return digest.getOrDefault("sha256", "");
    }
  }
}
