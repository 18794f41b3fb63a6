package dev.lethe.server.events;

import com.fasterxml.jackson.databind.JsonNode;
import dev.lethe.server.erasure.Erasure;
import dev.lethe.server.erasure.ErasureCertificate;
import dev.lethe.models.files.Digests;
import dev.lethe.server.modelstore.VersionFiles;
import dev.lethe.server.provenance.ModelSignature;
import dev.lethe.server.provenance.ProvenanceException;
import dev.lethe.server.provenance.SignedStatement;
import dev.lethe.server.provenance.Statement;
import dev.lethe.server.provenance.Statement.Resource;
import dev.lethe.server.provenance.VerificationKey;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
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
   * @param proof its signatures
   * @param files its files; empty if these are gone
   */
  public record Proof(VersionFiles proof, Optional<VersionFiles> files) {}

  /**
   * Checks all.
   *
   * @param proofs by model and version
   * @return whether all holds
   */
  public boolean run(EventLog log, Map<String, Proof> proofs) {
    Chain chain = new Chain();
    Map<String, List<Erasure>> certified = new HashMap<>();
    proofs.forEach((name, proof) -> version(name, proof, chain, certified));
    Map<String, Set<String>> promoted = new HashMap<>();
    log.forEach(line -> {
      chain.next(line);
      if (chain.holds()) {
        JsonNode content = line.content();
        if (content.path("event").asText().equals("promoted")) {
          promoted.computeIfAbsent(content.path("model").asText() + "/" + content.path("version").asText(),
              first -> new LinkedHashSet<>()).add(content.path("erasure").asText());
        }
      }
    });
    Optional<Chain.Fault> fault = chain.fault();
    if (fault.isPresent()) {
      fails("event log: " + fault.get().what());
      return holds;
    }
    told.accept("event log: " + chain.length() + " lines, whole; the last one's hash is " + chain.head());
    certified.forEach((name, erasures) -> erasures.forEach(erasure -> {
      if (!promoted.getOrDefault(name, Set.of()).contains(erasure.id())) {
        fails(name + ": the event log does not tell of erasure " + erasure.id() + ", which is certified");
      }
    }));
    promoted.forEach((name, erasures) -> {
      if (!proofs.containsKey(name)) {
        fails(name + ": the event log tells of erasure " + String.join(", ", erasures)
            + ", and there is nothing of that version");
      }
    });
    return holds;
  }

  private void fails(String what) {
    holds = false;
    told.accept(FAULT + what);
  }

  private void version(String name, Proof proof, Chain chain, Map<String, List<Erasure>> certified) {
    try {
      Optional<SignedStatement> signature = signed(proof.proof(), ModelSignature.FILE);
      if (signature.isEmpty()) {
        if (proof.proof().has(ErasureCertificate.FILE)) {
          fails(name + ": it is certified, and " + proof.proof().locate(ModelSignature.FILE) + " is missing");
        } else {
          told.accept(name + ": not signed: it was never promoted");
        }
        return;
      }
      Statement signed = signature.get().statement();
      String files;
      if (proof.files().isPresent()) {
        VersionFiles own = proof.files().get();
        ModelSignature.check(signed, own.digests(), own::locate);
        files = "signature and " + ModelSignature.digests(signed).size() + " files hold";
      } else {
        files = "its files are deleted; signature holds";
      }
      Set<String> certificates = new LinkedHashSet<>(List.of(ErasureCertificate.FILE));
      ModelSignature.digests(signed).keySet().stream().filter(ErasureCertificate::isCertificate).sorted()
          .forEach(certificates::add);
      for (String file : certificates) {
        Optional<SignedStatement> certificate = signed(proof.proof(), file);
        if (certificate.isPresent()) {
          Statement statement = certificate.get().statement();
          Erasure erasure = Erasure.of(statement);
          certified.computeIfAbsent(name, first -> new ArrayList<>()).add(erasure);
          JsonNode head = statement.predicate().path("log");
          if (head.has("line")) {
            chain.expect(head.path("line").asLong(), head.path("sha256").asText());
          }
          report(file, statement, signed, proof.proof());
          files += ", certificate and report hold (erasure " + erasure.id() + ", "
              + statement.predicate().path("audit").path("result").asText() + ")";
        } else if (ModelSignature.digests(signed).containsKey(file)) {
          throw new ProvenanceException(proof.proof().locate(file) + " is missing, which was signed");
        }
      }
      told.accept(name + ": " + files);
    } catch (IOException e) {
      fails(name + ": " + e.getMessage());
    }
  }

  private Optional<SignedStatement> signed(VersionFiles files, String file) throws IOException {
    Optional<byte[]> bytes = files.read(file);
    return bytes.isPresent() ? Optional.of(SignedStatement.verify(bytes.get(), key, files.locate(file)))
        : Optional.empty();
  }

  /** The certificate is of the files that are signed, and the report beside it is the one that it is about. */
  private static void report(String file, Statement certificate, Statement signed, VersionFiles proof)
      throws IOException {
    String report = ErasureCertificate.counterpart(file);
    Map<String, String> digests = ModelSignature.digests(signed);
    for (Resource subject : certificate.subject()) {
      if (!subject.sha256().equals(digests.get(subject.name()))) {
        throw new ProvenanceException(proof.locate(file) + " is about another " + subject.name()
            + " than " + ModelSignature.FILE);
      }
      if (subject.name().equals(report) && !proof.read(report)
          .map(Digests::sha256).equals(Optional.of(subject.sha256()))) {
        throw new ProvenanceException(
            proof.locate(report) + " was changed after it was certified");
      }
    }
  }
}
