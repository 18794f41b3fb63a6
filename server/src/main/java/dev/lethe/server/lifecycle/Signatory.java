package dev.lethe.server.lifecycle;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.JsonFormat;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.server.erasure.Approval;
import dev.lethe.server.erasure.Erasure;
import dev.lethe.server.erasure.ErasureCertificate;
import dev.lethe.models.files.Digests;
import dev.lethe.server.modelstore.ModelStore;
import dev.lethe.server.modelstore.VersionFiles;
import dev.lethe.server.provenance.ModelSignature;
import dev.lethe.server.provenance.ProvenanceException;
import dev.lethe.server.provenance.SignedStatement;
import dev.lethe.server.provenance.SigningKey;
import dev.lethe.server.provenance.Statement.Resource;
import dev.lethe.server.provenance.VerificationKey;
import dev.lethe.v1.Job;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
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

  /** The job that made a version, if that was written down. */
  private static Optional<Job> report(VersionFiles files, String name) throws IOException {
    Optional<byte[]> written = files.read(name);
    if (written.isEmpty()) {
      return Optional.empty();
    }
    Job.Builder job = Job.newBuilder();
    try {
      JsonFormat.parser().ignoringUnknownFields().merge(new String(written.get(), StandardCharsets.UTF_8), job);
    } catch (InvalidProtocolBufferException e) {
      throw new IOException(files.locate(name) + " is no report of a job: " + e.getMessage(), e);
    }
    return Optional.of(job.build());
  }

  /**
   * A version's certificates, once these are verified: one for each request that its run carried out, that of the job
   * which the run was given to first. None if there is no certificate of that one.
   */
  public List<Certificate> certified(VersionFiles files) throws IOException {
    Optional<SignedStatement> certificate = signed(files, ErasureCertificate.FILE);
    List<Certificate> all = new ArrayList<>();
    if (certificate.isPresent()) {
      all.add(Certificate.of(certificate.get().statement()));
      for (String more : certificates(files)) {
        all.add(Certificate.of(signed(files, more).orElseThrow().statement()));
      }
    }
    return all;
  }

  /** Whether a version lacks the certificate that {@link #certify} would write. */
  public boolean lacksCertificate(VersionFiles files) {
    return files.has(ErasureCertificate.REPORT) && !files.has(ErasureCertificate.FILE);
  }

  /**
   * Takes away what {@link #certify} and {@link #sign} have written of a version that is not promoted after all.
   *
   * @return what it was, by file, in the order in which it was taken away
   */
  public Map<String, byte[]> withdraw(VersionFiles files) throws IOException {
    List<String> names = new ArrayList<>(certificates(files));
    // The one without which there is none comes last.
    names.addAll(List.of(ModelSignature.FILE, ErasureCertificate.FILE));
    Map<String, byte[]> withdrawn = new LinkedHashMap<>();
    for (String name : names) {
      Optional<byte[]> bytes = files.read(name);
      if (bytes.isPresent()) {
        withdrawn.put(name, bytes.get());
        files.delete(name);
      }
    }
    return withdrawn;
  }

  /** Writes again what was taken away of a version that was promoted meanwhile. */
  public void restore(VersionFiles files, Map<String, byte[]> withdrawn) throws IOException {
    for (Map.Entry<String, byte[]> file : withdrawn.entrySet()) {
      files.write(file.getKey(), file.getValue());
    }
  }

  /** Names of the certificates of jobs that another one's run carried out. */
  private static List<String> certificates(VersionFiles files) throws IOException {
    return files.digests().stream().map(Resource::name)
        .filter(name -> ErasureCertificate.isCertificate(name) && !name.equals(ErasureCertificate.FILE)).toList();
  }

  private Optional<SignedStatement> signed(VersionFiles files, String file) throws IOException {
    Optional<byte[]> bytes = files.read(file);
    return bytes.isPresent() ? Optional.of(SignedStatement.verify(bytes.get(), verificationKey(), files.locate(file)))
        : Optional.empty();
  }

  /**
   * Certifies what a version that unlearning made lacks, one certificate for each request that its run carried out.
   * Certificates that are there already stay: they are of the same files, and others may have them; but not those of a
   * promotion that has not come to its end.
   *
   * @param parent the version before it, if it is there
   * @param store that keeps both
   * @param lifecycle where it is written down first that the version is being promoted
   * @return what it lacks that its parent does not, of each request
   */
  public List<Erasure> certify(Bundle version, Optional<Bundle> parent, ModelStore store, Approval approval,
      Lifecycle lifecycle) throws IOException {
    VersionFiles files = store.files(version);
    try {
      List<Certificate> before = certified(files);
      if (!before.isEmpty() && before.stream().noneMatch(lifecycle::isUnfinished)) {
        return erasures(before);
      }
    } catch (ProvenanceException e) {
      LOG.warn("the certificate that came with a version stays as it is, and says nothing here: {}", e.getMessage());
      return List.of(uncertified(version.card(), Instant.now()));
    }
    Instant now = Instant.now().truncatedTo(ChronoUnit.MILLIS);
    if (!files.has(ErasureCertificate.REPORT)) {
      return List.of(uncertified(version.card(), now));
    }
    Optional<Ledger.Head> log = lifecycle.announce(
        new LifeEvent.Certified(version.card().name(), version.card().version(), approval.by(), now));
    List<Resource> all = files.digests();
    List<Resource> before = parent.isPresent() ? resources(parent.get(), store) : List.of();
    lifecycle.refresh();
    List<Certificate> others = certified(files);
    if (!others.isEmpty() && lifecycle.of(version.card().name()).wasPromoted(version.card().version())) {
      // By another server meanwhile, whose certificate stays.
      return erasures(others);
    }
    List<Erasure> erasures = new ArrayList<>();
    // The last one, without which there is none of this version, is that of the job which the run was given to.
    List<String> reports = all.stream().map(Resource::name).filter(ErasureCertificate::isReport)
        .sorted(Comparator.comparing(ErasureCertificate.REPORT::equals)).toList();
    for (String report : reports) {
      // Of other requests each one says nothing, not even their ids.
      List<Resource> subjects = all.stream().filter(file -> !ErasureCertificate.isCertificate(file.name())
          && (!ErasureCertificate.isReport(file.name()) || file.name().equals(report))).toList();
      SignedStatement certificate = SignedStatement.sign(ErasureCertificate.of(report(files, report).orElseThrow(),
          subjects, before, ErasureCertificate.commitments(files.read(report).orElseThrow()), List.of(approval), now,
          software, log.map(head -> Map.entry(head.number(), head.hash()))), key);
      files.write(ErasureCertificate.counterpart(report), certificate.bytes());
      erasures.add(0, Erasure.of(certificate.statement()));
    }
    return erasures;
  }

  private static List<Erasure> erasures(List<Certificate> certificates) {
    return certificates.stream().map(Certificate::erasure).toList();
  }

  /** Of a version of which nobody knows the job: made by an earlier release, or put there from elsewhere. */
  public static Erasure uncertified(ModelCard card, Instant now) {
    List<String> classes = card.unlearnedLabels().entrySet().stream()
        .filter(erased -> erased.getValue().equals(card.version())).map(Map.Entry::getKey).sorted().toList();
    return new Erasure(card.version(), card.name(), card.version(), card.parentVersion(),
        classes.isEmpty() ? "item" : "class", classes, 0, now);
  }

  private static List<Resource> resources(Bundle bundle, ModelStore store) throws IOException {
    List<Resource> resources = new ArrayList<>();
    bundle.card().sha256().forEach((name, digest) -> resources.add(Resource.sha256(name, digest)));
    resources.add(Resource.sha256(Bundle.CARD, digest(store.files(bundle), Bundle.CARD).orElseThrow()));
    return resources;
  }

  private static Optional<String> digest(VersionFiles files, String file) throws IOException {
    return files.read(file).map(Digests::sha256);
  }

  /** Signs a version as a whole; the signature goes to its proof. */
  public void sign(Bundle version, ModelStore store) throws IOException {
    VersionFiles files = store.files(version);
    VersionFiles proof = store.proof(version.card().name(), version.card().version());
    if (!isSigned(version, files, proof)) {
      proof.write(ModelSignature.FILE,
          SignedStatement.sign(ModelSignature.of(files.version(), files.digests()), key).bytes());
    }
  }

  /**
   * Whether there is a signature of the files that the card tells of, which are held against it when they are loaded.
   */
  private boolean isSigned(Bundle version, VersionFiles files, VersionFiles proof) throws IOException {
    try {
      Optional<SignedStatement> signature = signed(proof, ModelSignature.FILE);
      if (signature.isEmpty()) {
        return false;
      }
      Map<String, String> signed = ModelSignature.digests(signature.get().statement());
      Optional<String> certificate = digest(files, ErasureCertificate.FILE);
      return signed.entrySet().containsAll(version.card().sha256().entrySet())
          && digest(files, Bundle.CARD).equals(Optional.ofNullable(signed.get(Bundle.CARD)))
          && (certificate.isEmpty() || certificate.get().equals(signed.get(ErasureCertificate.FILE)));
    } catch (ProvenanceException e) {
      LOG.warn("signed anew: {}", e.getMessage());
      return false;
    }
  }
}
