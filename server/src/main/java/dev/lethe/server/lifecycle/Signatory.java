package dev.lethe.server.lifecycle;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.JsonFormat;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.server.erasure.Approval;
import dev.lethe.server.erasure.Erasure;
import dev.lethe.server.erasure.ErasureCertificate;
import dev.lethe.server.files.Digests;
import dev.lethe.server.provenance.ModelSignature;
import dev.lethe.server.provenance.ProvenanceException;
import dev.lethe.server.provenance.SignedStatement;
import dev.lethe.server.provenance.SigningKey;
import dev.lethe.server.provenance.Statement.Resource;
import dev.lethe.server.provenance.VerificationKey;
import dev.lethe.v1.Job;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Signs versions and certifies erasures, in files beside the version's own. Blocks: not for event loops.
 */
public final class Signatory {

  private static final Logger LOG = LoggerFactory.getLogger(Signatory.class);

  private final SigningKey key;
  private final String software;

  /** @param software the program and its version, for certificates */
  public Signatory(SigningKey key, String software) {
    this.key = key;
    this.software = software;
  }

  public VerificationKey verificationKey() {
    return key.verificationKey();
  }

  /**
   * Puts a job beside the candidate that it made, so that whoever promotes it later can say what it is.
   *
   * @param commitments to its images, without their salts
   */
  public static void keepReport(Bundle candidate, Job job, List<String> commitments) throws IOException {
    Files.write(candidate.directory().resolve(ErasureCertificate.REPORT), ErasureCertificate.report(job, commitments));
  }

  /** The job that made a version, if that was written down. */
  public static Optional<Job> report(Path folder) throws IOException {
    Path file = folder.resolve(ErasureCertificate.REPORT);
    if (!Files.isRegularFile(file)) {
      return Optional.empty();
    }
    Job.Builder job = Job.newBuilder();
    try {
      JsonFormat.parser().ignoringUnknownFields().merge(Files.readString(file), job);
    } catch (InvalidProtocolBufferException e) {
      throw new IOException(file + " is no report of a job: " + e.getMessage(), e);
    }
    return Optional.of(job.build());
  }

  /** The erasure that a version's certificate tells of, once it is verified; empty if there is no certificate. */
  public Optional<Erasure> certified(Path folder) throws IOException {
    Path file = folder.resolve(ErasureCertificate.FILE);
    return Files.isRegularFile(file)
        ? Optional.of(Erasure.of(SignedStatement.read(file, verificationKey()).statement())) : Optional.empty();
  }

  /**
   * Certifies what a version that unlearning made lacks, and signs it. A certificate that is there already stays: it is
   * of the same files, and others may have it.
   *
   * @param parent the version before it, if it is there
   * @param log where the event log stands
   * @return what it lacks that its parent does not
   */
  public Erasure certify(Bundle version, Optional<Bundle> parent, Approval approval, Optional<Ledger.Head> log)
      throws IOException {
    Path folder = version.directory();
    try {
      Optional<Erasure> before = certified(folder);
      if (before.isPresent()) {
        return before.get();
      }
    } catch (ProvenanceException e) {
      LOG.warn("the certificate that came with a version stays as it is, and says nothing here: {}", e.getMessage());
      return uncertified(version.card(), Instant.now());
    }
    Instant now = Instant.now().truncatedTo(ChronoUnit.MILLIS);
    Optional<Job> job = report(folder);
    if (job.isEmpty()) {
      return uncertified(version.card(), now);
    }
    List<Resource> files = ModelSignature.files(folder).stream()
        .filter(file -> !file.name().equals(ErasureCertificate.FILE)).toList();
    SignedStatement certificate = SignedStatement.sign(ErasureCertificate.of(job.get(), files,
        parent.isPresent() ? resources(parent.get()) : List.of(),
        ErasureCertificate.commitments(Files.readAllBytes(folder.resolve(ErasureCertificate.REPORT))),
        List.of(approval), now, software,
        log.map(head -> Map.entry(head.number(), head.hash()))), key);
    certificate.write(folder.resolve(ErasureCertificate.FILE));
    return Erasure.of(certificate.statement());
  }

  /** Of a version of which nobody knows the job: made by an earlier release, or put there from elsewhere. */
  public static Erasure uncertified(ModelCard card, Instant now) {
    List<String> classes = card.unlearnedLabels().entrySet().stream()
        .filter(erased -> erased.getValue().equals(card.version())).map(Map.Entry::getKey).sorted().toList();
    return new Erasure(card.version(), card.name(), card.version(), card.parentVersion(),
        classes.isEmpty() ? "item" : "class", classes, 0, now);
  }

  private static List<Resource> resources(Bundle bundle) throws IOException {
    List<Resource> resources = new ArrayList<>();
    bundle.card().sha256().forEach((name, digest) -> resources.add(Resource.sha256(name, digest)));
    resources.add(Resource.sha256(Bundle.CARD, Digests.sha256(bundle.directory().resolve(Bundle.CARD))));
    return resources;
  }

  /**
   * Signs a version as a whole.
   *
   * @param proof where the signature goes: the version's own folder, or one of its name where that is only read
   */
  public void sign(Bundle version, Path proof) throws IOException {
    if (isSigned(version, proof)) {
      return;
    }
    Files.createDirectories(proof);
    SignedStatement.sign(ModelSignature.of(version.directory()), key).write(proof.resolve(ModelSignature.FILE));
  }

  /**
   * Whether there is a signature of the files that the card tells of, which are held against it when they are loaded.
   */
  private boolean isSigned(Bundle version, Path proof) throws IOException {
    Path file = proof.resolve(ModelSignature.FILE);
    if (!Files.isRegularFile(file)) {
      return false;
    }
    try {
      Map<String, String> signed = ModelSignature.digests(SignedStatement.read(file, verificationKey()).statement());
      Path certificate = version.directory().resolve(ErasureCertificate.FILE);
      return signed.entrySet().containsAll(version.card().sha256().entrySet())
          && Digests.sha256(version.directory().resolve(Bundle.CARD)).equals(signed.get(Bundle.CARD))
          && (!Files.isRegularFile(certificate)
              || Digests.sha256(certificate).equals(signed.get(ErasureCertificate.FILE)));
    } catch (ProvenanceException e) {
      LOG.warn("signed anew: {}", e.getMessage());
      return false;
    }
  }
}
