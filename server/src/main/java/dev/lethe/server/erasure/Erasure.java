package dev.lethe.server.erasure;

import com.fasterxml.jackson.databind.JsonNode;
import dev.lethe.server.provenance.ProvenanceException;
import dev.lethe.server.provenance.Statement;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/**
 * One erasure that was promoted: from then on its version, and those unlearned from it, lack what it took out, and all
 * others of the model hold it.
 *
 * @param id of the job; the version's name where no job is known
 * @param model that it is of
 * @param version that lacks what was erased
 * @param base the version before it
 * @param kind {@code item} or {@code class}
 * @param classes that were erased; empty for single images
 * @param images how many images were erased; 0 for classes without images of them
 * @param promoted when its version first took requests
 */
public record Erasure(String id, String model, String version, String base, String kind, List<String> classes,
    int images, Instant promoted) {

  public Erasure {
    classes = List.copyOf(classes);
  }

  /** What was erased, for a sentence: {@code class 7}, {@code 16 images}. */
  public String what() {
    if (!classes.isEmpty()) {
      return (classes.size() == 1 ? "class " : "classes ") + String.join(", ", classes);
    }
    return images == 1 ? "1 image" : images == 0 ? "images" : images + " images";
  }

  /**
   * Reads it from its certificate, which is verified already.
   *
   * @throws ProvenanceException if the statement is none of an erasure
   */
  public static Erasure of(Statement certificate) throws ProvenanceException {
    if (!certificate.predicateType().equals(ErasureCertificate.PREDICATE)) {
      throw new ProvenanceException("it states " + certificate.predicateType() + ", not "
          + ErasureCertificate.PREDICATE);
    }
    JsonNode erasure = certificate.predicate().path("erasure");
    List<String> classes = new ArrayList<>();
    erasure.path("classes").forEach(name -> classes.add(name.asText()));
    try {
      return new Erasure(erasure.path("id").asText(), erasure.path("model").asText(),
          erasure.path("version").asText(), certificate.predicate().path("parent").path("version").asText(),
          erasure.path("kind").asText(), classes, erasure.path("images").asInt(),
          Instant.parse(certificate.predicate().path("times").path("issued").asText()));
    } catch (DateTimeException e) {
      throw new ProvenanceException("its time of issue is no time: " + e.getMessage(), e);
    }
  }
}
