package dev.lethe.server.events;

import com.fasterxml.jackson.databind.JsonNode;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.server.erasure.Erasure;
import dev.lethe.server.erasure.ErasureCertificate;
import dev.lethe.models.files.Digests;
import dev.lethe.server.logging.SafeText;
import dev.lethe.server.modelstore.VersionFiles;
import dev.lethe.server.provenance.ModelSignature;
import dev.lethe.server.provenance.ProvenanceException;
import dev.lethe.server.provenance.SignedStatement;
import dev.lethe.server.provenance.Statement;
import dev.lethe.server.provenance.Statement.Resource;
import dev.lethe.server.provenance.VerificationKey;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * Checks all that a server keeps for the record against itself: the event log's chain, the signatures and certificates
 * of versions, the files that these are about, and that log and certificates tell of the same erasures. Blocks.
 */
public final class Verification {

  /** How the line of something that does not hold begins. */
  public static final String FAULT = "FAULT ";

  /** Of a line that tells the end of a job: the digest of its report. */
  public static final String REPORT = "report_sha256";

  /** For which what a server does meanwhile is waited for: it signs first, and writes down what it has signed then. */
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final Duration LOOK = Duration.ofMillis(200);

  private static final String JOB = "job";
  private static final String PROMOTED = "promoted";
  private static final String ACTIVATED = "activated";
  private static final String OVERRIDDEN = "overridden";
  private static final String PURGED = "purged";

  private final VerificationKey key;
  private final Consumer<String> told;
  // By job: digests of reports that the log tells of, and of the one that is certified.
  private final Map<String, Set<String>> logged = new HashMap<>();
  private final Map<String, String> proven = new HashMap<>();
  // By version: lines of the ends of jobs that have made it.
  private final Map<String, List<JsonNode>> made = new HashMap<>();
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
   * @param files where its files lie, or lay before they were deleted
   * @param unreadable why its card cannot be read; empty if it can, or if there is none
   */
  public record Proof(VersionFiles proof, VersionFiles files, Optional<String> unreadable) {}

  /**
   * @param requestedBy as it states
   * @param file the certificate
   */
  private record Certified(Erasure erasure, String requestedBy, String file) {}

  /**
   * Checks all.
   *
   * @param proofs by model and version
   * @param reports digests of the reports that the database has, by job, of those that have ended; empty of one without
   * @return whether all holds
   */
  public boolean run(EventLog log, Map<String, Proof> proofs, Map<String, String> reports) {
    Chain chain = new Chain();
    Map<String, List<Certified>> certified = new HashMap<>();
    // Before the versions are looked at: what is promoted meanwhile is signed first, and written down then.
    Map<String, Set<String>> before = promotions(log);
    Set<String> activated = names(log, ACTIVATED, OVERRIDDEN);
    proofs.forEach((name, proof) -> version(name, proof, before.getOrDefault(name, Set.of()), activated.contains(name),
        log, chain, certified));
    Map<String, Set<String>> promoted = new HashMap<>();
    log.forEach(line -> {
      chain.next(line);
      if (chain.holds()) {
        promotion(line, promoted);
        report(line);
      }
    });
    Optional<Chain.Fault> fault = chain.fault();
    if (fault.isPresent()) {
      fails("event log: " + fault.get().what());
      return holds;
    }
    told.accept("event log: " + chain.length() + " lines, whole; the last one's hash is " + chain.head());
    log.firstMislabelled().ifPresent(number -> fails("event log: line " + number + " is filed under another kind than"
        + " it is of: the column kind was changed"));
    long limit = limit();
    certified.forEach((name, erasures) -> erasures.forEach(certificate -> {
      String id = certificate.erasure().id();
      if (!promoted.getOrDefault(name, Set.of()).contains(id) && !comesRight(name, certificate,
          proofs.get(name).proof(), log, limit)) {
        fails(name + ": the event log does not tell of erasure " + id + ", which is certified");
      }
    }));
    before.forEach((name, erasures) -> {
      if (made.containsKey(name) && proofs.containsKey(name)) {
        certified(name, proofs.get(name).proof(), erasures, certified.getOrDefault(name, List.of()));
      }
    });
    activated.stream().filter(name -> !proofs.containsKey(name) && !before.containsKey(name) && !isPurged(name, log))
        .sorted().forEach(name -> fails(name + ": the event log tells that it was activated, and there is nothing of"
            + " that version"));
    before.forEach((name, erasures) -> {
      if (!proofs.containsKey(name)) {
        fails(name + ": the event log tells of erasure " + String.join(", ", erasures)
            + ", and there is nothing of that version");
      }
    });
    reports(reports);
    return holds;
  }

  /**
   * Whether a promotion that is certified is written down a moment later, or its certificate taken back, since it was
   * not to be: a server may be just at it.
   */
  private static boolean comesRight(String name, Certified certificate, VersionFiles proof, EventLog log, long limit) {
    do {
      if (promotions(log).getOrDefault(name, Set.of()).contains(certificate.erasure().id())
          || !proof.has(certificate.file())) {
        return true;
      }
    } while (waits(limit));
    return false;
  }

  /** By System.nanoTime. */
  private static long limit() {
    return System.nanoTime() + PATIENCE.toNanos();
  }

  /** Waits for a moment; false if that was done for long enough. */
  private static boolean waits(long limit) {
    if (System.nanoTime() > limit) {
      return false;
    }
    try {
      Thread.sleep(LOOK.toMillis());
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /** Notes what a line tells of a job's report. One from before reports were told of has nothing of it. */
  private void report(Line line) {
    content(line).filter(content -> content.path("event").asText().equals(JOB) && content.has(REPORT))
        .ifPresent(content -> {
          logged.computeIfAbsent(content.path("job_id").asText(), first -> new HashSet<>())
              .add(content.path(REPORT).asText());
          // Of one that failed on its last steps, another may have got the version's name.
          if (content.path("outcome").asText().equals("succeeded")) {
            made.computeIfAbsent(content.path("model").asText() + "/" + content.path("new_version").asText(),
                first -> new ArrayList<>()).add(content);
          }
        });
  }

  /** The certificate of a version is of a job that the log tells to have made it, and says the same of it. */
  private void certified(String name, VersionFiles proof, Set<String> promoted, List<Certified> certificates) {
    boolean any = false;
    for (JsonNode job : made.get(name)) {
      String id = job.path("job_id").asText();
      Optional<Certified> own = certificates.stream().filter(certificate -> certificate.erasure().id().equals(id))
          .findFirst();
      any |= own.isPresent();
      if (own.isPresent() && !isOf(own.get(), job)) {
        fails(name + ": its certificate tells of another request than the event log's line of job " + id);
      }
    }
    // Whoever serves by hand what a server has not promoted gets no certificate, though the job is known.
    boolean byHand = promoted.equals(Set.of(proof.version())) && proof.has(ErasureCertificate.REPORT);
    if (!any && !byHand) {
      fails(name + ": the event log tells that job " + made.get(name).stream().map(job -> job.path("job_id").asText())
          .collect(Collectors.joining(" or ")) + " has made it, and there is no certificate of that job");
    }
  }

  private static boolean isOf(Certified certificate, JsonNode job) {
    Erasure erasure = certificate.erasure();
    return erasure.base().equals(job.path("base_version").asText())
        && bounded(String.join(",", erasure.classes())).equals(job.path("classes").asText())
        && erasure.images() <= job.path("images").asInt()
        && bounded(certificate.requestedBy()).equals(job.path("principal").asText());
  }

  /** As the log has it. */
  private static String bounded(String text) {
    return SafeText.bounded(text, SafeText.NAME);
  }

  /** Nobody has signed what the database has: the log and certificates hold it to what it was. */
  private void reports(Map<String, String> reports) {
    proven.forEach((job, digest) -> {
      if (!logged.getOrDefault(job, Set.of(digest)).contains(digest)) {
        fails("job " + job + ": the report that is certified is not the one that the event log tells of");
      }
    });
    reports.forEach((job, digest) -> {
      if (!logged.getOrDefault(job, Set.of(digest)).contains(digest)) {
        fails("job " + job + ": its report in the database is not the one that the event log tells of");
      } else if (!proven.getOrDefault(job, digest).equals(digest)) {
        fails("job " + job + ": its report in the database is not the one that is certified");
      }
    });
    told.accept("reports in the database: " + reports.keySet().stream()
        .filter(job -> logged.containsKey(job) || proven.containsKey(job)).count() + " of " + reports.size()
        + " are held to the event log or a certificate");
  }

  /** Erasures that the log tells of now, by model and version. */
  private static Map<String, Set<String>> promotions(EventLog log) {
    Map<String, Set<String>> promoted = new HashMap<>();
    log.ofKinds(List.of(PROMOTED)).forEach(line -> promotion(line, promoted));
    return promoted;
  }

  /** Notes the erasure of a line that tells of one, by model and version. */
  private static void promotion(Line line, Map<String, Set<String>> promoted) {
    content(line).filter(content -> content.path("event").asText().equals(PROMOTED)).ifPresent(content -> promoted
        .computeIfAbsent(name(content), first -> new LinkedHashSet<>()).add(content.path("erasure").asText()));
  }

  /** Empty of a line that was changed so that it cannot be read: the chain shows it. */
  private static Optional<JsonNode> content(Line line) {
    try {
      return Optional.of(line.content());
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  private static String name(JsonNode content) {
    return content.path("model").asText() + "/" + content.path("version").asText();
  }

  /** Models and versions of which the log, as it is now, tells something. */
  private static Set<String> names(EventLog log, String... kinds) {
    return log.ofKinds(List.of(kinds)).stream().flatMap(line -> content(line).stream()).map(Verification::name)
        .collect(Collectors.toSet());
  }

  private static boolean isPurged(String name, EventLog log) {
    return names(log, PURGED).contains(name);
  }

  private void fails(String what) {
    holds = false;
    told.accept(FAULT + what);
  }

  private void version(String name, Proof proof, Set<String> promoted, boolean activated, EventLog log, Chain chain,
      Map<String, List<Certified>> certified) {
    long limit = limit();
    while (true) {
      try {
        told.accept(name + ": " + checked(name, proof, promoted, activated, log, chain, certified));
        return;
      } catch (IOException e) {
        // Of what is not written down as promoted, signature and certificate may be just being made, or taken back.
        if (!promoted.isEmpty() || activated || proof.unreadable().isPresent() || !waits(limit)) {
          fails(name + ": " + e.getMessage());
          return;
        }
      }
    }
  }

  /** What holds of a version. */
  private String checked(String name, Proof proof, Set<String> promoted, boolean activated, EventLog log, Chain chain,
      Map<String, List<Certified>> certified) throws IOException {
    certified.remove(name);
    Set<String> uncertified = new LinkedHashSet<>(promoted);
    // Of an erasure that another server or release has promoted, nobody here knows more than the version.
    uncertified.remove(proof.proof().version());
    Optional<SignedStatement> signature = signed(proof.proof(), ModelSignature.FILE);
    if (signature.isEmpty()) {
      return unsigned(name, proof, uncertified, activated, log);
    }
    Statement signed = signature.get().statement();
    String files;
    if (!proof.files().has(Bundle.CARD) && isPurged(name, log)) {
      files = "its files are deleted; signature holds";
    } else {
      ModelSignature.check(signed, proof.files().digests(), proof.files()::locate);
      files = "signature and " + ModelSignature.digests(signed).size() + " files hold";
    }
    Set<String> certificates = new LinkedHashSet<>(List.of(ErasureCertificate.FILE));
    ModelSignature.digests(signed).keySet().stream().filter(ErasureCertificate::isCertificate).sorted()
        .forEach(certificates::add);
    for (String file : certificates) {
      Optional<SignedStatement> certificate = signed(proof.proof(), file);
      if (certificate.isPresent()) {
        Statement statement = certificate.get().statement();
        Erasure erasure = Erasure.of(statement);
        certified.computeIfAbsent(name, first -> new ArrayList<>()).add(new Certified(erasure,
            statement.predicate().path("erasure").path("requestedBy").asText(), file));
        uncertified.remove(erasure.id());
        JsonNode head = statement.predicate().path("log");
        if (head.has("line")) {
          chain.expect(head.path("line").asLong(), head.path("sha256").asText());
        }
        report(file, statement, signed, proof.proof()).ifPresent(digest -> proven.put(erasure.id(), digest));
        files += ", certificate and report hold (erasure " + erasure.id() + ", "
            + statement.predicate().path("audit").path("result").asText() + ")";
      } else if (ModelSignature.digests(signed).containsKey(file)) {
        throw new ProvenanceException(proof.proof().locate(file) + " is missing, which was signed");
      }
    }
    if (!uncertified.isEmpty()) {
      throw new ProvenanceException("the event log tells of erasure " + String.join(", ", uncertified)
          + ", and its certificate is missing in " + proof.proof().locate(""));
    }
    return files;
  }

  private static String unsigned(String name, Proof proof, Set<String> promoted, boolean activated, EventLog log)
      throws ProvenanceException {
    String missing = ", and " + proof.proof().locate(ModelSignature.FILE) + " is missing";
    if (!promoted.isEmpty()) {
      throw new ProvenanceException("the event log tells that it was promoted (erasure " + String.join(", ", promoted)
          + ")" + missing);
    } else if (activated) {
      throw new ProvenanceException("the event log tells that it was activated" + missing);
    } else if (proof.proof().has(ErasureCertificate.FILE)) {
      throw new ProvenanceException("it is certified" + missing);
    } else if (proof.unreadable().isPresent()) {
      throw new ProvenanceException(proof.unreadable().get());
    } else if (!proof.files().has(Bundle.CARD) && proof.files().has(Bundle.SYNTHESIS) && !isPurged(name, log)) {
      throw new ProvenanceException(proof.files().locate(Bundle.CARD) + " is missing");
    }
    return "not signed: it was never promoted here";
  }

  private Optional<SignedStatement> signed(VersionFiles files, String file) throws IOException {
    Optional<byte[]> bytes = files.read(file);
    return bytes.isPresent() ? Optional.of(SignedStatement.verify(bytes.get(), key, files.locate(file)))
        : Optional.empty();
  }

  /**
   * The certificate is of the files that are signed, and the report beside it is the one that it is about.
   *
   * @return the digest of what that says was measured
   */
  private static Optional<String> report(String file, Statement certificate, Statement signed, VersionFiles proof)
      throws IOException {
    String report = ErasureCertificate.counterpart(file);
    Map<String, String> digests = ModelSignature.digests(signed);
    Optional<String> measured = Optional.empty();
    for (Resource subject : certificate.subject()) {
      if (!subject.sha256().equals(digests.get(subject.name()))) {
        throw new ProvenanceException(proof.locate(file) + " is about another " + subject.name()
            + " than " + ModelSignature.FILE);
      }
      if (subject.name().equals(report)) {
        Optional<byte[]> bytes = proof.read(report);
        if (!bytes.map(Digests::sha256).equals(Optional.of(subject.sha256()))) {
          throw new ProvenanceException(
              proof.locate(report) + " was changed after it was certified");
        }
        measured = Optional.of(ErasureCertificate.digest(bytes.get()));
      }
    }
    return measured;
  }
}
