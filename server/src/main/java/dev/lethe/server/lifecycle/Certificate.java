package dev.lethe.server.lifecycle;

import com.fasterxml.jackson.databind.JsonNode;
import dev.lethe.server.erasure.Erasure;
import dev.lethe.server.provenance.ProvenanceException;
import dev.lethe.server.provenance.Statement;
import java.util.Optional;

/**
 * What a version's certificate says, once it is verified.
 *
 * @param erasure that it certifies
 * @param log where the event log stood then
 */
public record Certificate(Erasure erasure, Optional<Ledger.Head> log) {

  static Certificate of(Statement statement) throws ProvenanceException {
    JsonNode log = statement.predicate().path("log");
    return new Certificate(Erasure.of(statement), log.has("line")
        ? Optional.of(new Ledger.Head(log.path("line").asLong(), log.path("sha256").asText())) : Optional.empty());
  }
}
