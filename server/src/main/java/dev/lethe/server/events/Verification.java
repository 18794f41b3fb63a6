package dev.lethe.server.events;

import com.fasterxml.jackson.databind.JsonNode;
import dev.lethe.server.erasure.Erasure;
import dev.lethe.server.erasure.ErasureCertificate;
import dev.lethe.server.files.Digests;
import dev.lethe.server.provenance.ModelSignature;
import dev.lethe.server.provenance.ProvenanceException;
import dev.lethe.server.provenance.SignedStatement;
import dev.lethe.server.provenance.Statement;
import dev.lethe.server.provenance.Statement.Resource;
import dev.lethe.server.provenance.VerificationKey;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Checks all that a server keeps for the record against itself: the event log's chain, the signatures and certificates
 * of versions, the files that these are about, and that log and certificates tell of the same erasures. Blocks.
 */
public final class Verification {

  /** How the line of something that does not hold begins. */
  public static final String FAULT = "FAULT ";

  private final VerificationKey key;
  private final Consumer<String> told;
  private boolean holds = true;

  /** @param told a line for each thing that was checked */
  public Verification(VerificationKey key, Consumer<String> told) {
    this.key = key;
    this.told = told;
  }

  /**
   * Where a version's proof lies.
   *
   * @param folder of its signatures
   * @param files folder of its files; empty if these are gone
   */
  public record Proof(Path folder, Optional<Path> files) {}

  /**
   * Checks all.
   *
   * @param proofs by model and version
   * @return whether all holds
   */
  public boolean run(EventLog log, Map<String, Proof> proofs) {
    Chain chain = new Chain();
    Map<String, Erasure> certified = new HashMap<>();
    proofs.forEach((name, proof) -> version(name, proof, chain, certified));
    Map<String, String> promoted = new HashMap<>();
    log.forEach(line -> {
      chain.next(line);
      if (chain.holds()) {
        JsonNode content = line.content();
        if (content.path("event").asText().equals("promoted")) {
          promoted.put(content.path("model").asText() + "/" + content.path("version").asText(),
              content.path("erasure").asText());
        }
      }
    });
    Optional<Chain.Fault> fault = chain.fault();
    if (fault.isPresent()) {
      fails("event log: " + fault.get().what());
      return holds;
    }
    told.accept("event log: " + chain.length() + " lines, whole; the last one's hash is " + chain.head());
    certified.forEach((name, erasure) -> {
      if (!erasure.id().equals(promoted.get(name))) {
        fails(name + ": the event log does not tell of erasure " + erasure.id() + ", which is certified");
      }
    });
    promoted.forEach((name, erasure) -> {
      if (!proofs.containsKey(name)) {
        fails(name + ": the event log tells of erasure " + erasure + ", and there is nothing of that version");
      }
    });
    return holds;
  }

  private void fails(String what) {
    holds = false;
    told.accept(FAULT + what);
  }

  private void version(String name, Proof proof, Chain chain, Map<String, Erasure> certified) {
    try {
      Path signature = proof.folder().resolve(ModelSignature.FILE);
      Path certificate = proof.folder().resolve(ErasureCertificate.FILE);
      if (!Files.isRegularFile(signature)) {
        if (Files.isRegularFile(certificate)) {
          fails(name + ": it is certified, and " + signature + " is missing");
        } else {
          told.accept(name + ": not signed: it was never promoted");
        }
        return;
      }
      Statement signed = SignedStatement.read(signature, key).statement();
      String files;
      if (proof.files().isPresent()) {
        ModelSignature.check(signed, proof.files().get());
        files = "signature and " + ModelSignature.digests(signed).size() + " files hold";
      } else {
        files = "its files are deleted; signature holds";
      }
      if (Files.isRegularFile(certificate)) {
        Statement statement = SignedStatement.read(certificate, key).statement();
        certified.put(name, Erasure.of(statement));
        JsonNode head = statement.predicate().path("log");
        if (head.has("line")) {
          chain.expect(head.path("line").asLong(), head.path("sha256").asText());
        }
        report(statement, signed, proof.folder());
        files += ", certificate and report hold (erasure " + certified.get(name).id() + ", "
            + statement.predicate().path("audit").path("result").asText() + ")";
      } else if (ModelSignature.digests(signed).containsKey(ErasureCertificate.FILE)) {
        throw new ProvenanceException(certificate + " is missing, which was signed");
      }
      told.accept(name + ": " + files);
    } catch (IOException e) {
      fails(name + ": " + e.getMessage());
    }
  }

  /** The certificate is of the files that are signed, and the report beside it is the one that it is about. */
  private static void report(Statement certificate, Statement signed, Path folder) throws IOException {
    Map<String, String> digests = ModelSignature.digests(signed);
    for (Resource subject : certificate.subject()) {
      if (!subject.sha256().equals(digests.get(subject.name()))) {
        throw new ProvenanceException(folder.resolve(ErasureCertificate.FILE) + " is about another " + subject.name()
            + " than " + ModelSignature.FILE);
      }
      Path file = folder.resolve(ErasureCertificate.REPORT);
      if (subject.name().equals(ErasureCertificate.REPORT) && !Digests.sha256(file).equals(subject.sha256())) {
        throw new ProvenanceException(file + " was changed after it was certified");
      }
    }
  }
}
