package dev.lethe.server.erasure;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageOrBuilder;
import com.google.protobuf.Timestamp;
import com.google.protobuf.util.JsonFormat;
import com.google.protobuf.util.Timestamps;
import dev.lethe.job.JobContract;
import dev.lethe.models.files.Digests;
import dev.lethe.server.provenance.Statement;
import dev.lethe.server.provenance.Statement.Resource;
import dev.lethe.v1.Job;
import dev.lethe.v1.UnlearnKind;
import dev.lethe.v1.UnlearnReport;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The second statement about a version's files: what was erased from which version, how, on whose order, what the audit
 * measured and how it judged. Its member {@code audit} has the form of in-toto's test results
 * (https://in-toto.io/attestation/test-result/v0.1).
 */
public final class ErasureCertificate {

  /** The file, in the version's folder. */
  public static final String FILE = "erasure.sigstore.json";
  /** The job and what it measured, in the version's folder: a subject of the certificate, and all of its figures. */
  public static final String REPORT = "report.json";
  private static final String FILE_OF = "erasure-%s.sigstore.json";
  private static final String REPORT_OF = "report-%s.json";
  private static final Pattern CERTIFICATES = Pattern.compile("erasure(-[\\w-]+)?\\.sigstore\\.json");
  private static final Pattern REPORTS = Pattern.compile("report(-[\\w-]+)?\\.json");
  public static final String PREDICATE = "https://lethe.dev/erasure/v1";

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String COMMITMENTS = "commitments";
  private static final String FORGOTTEN = "forgotten";

  private ErasureCertificate() {}

  /** The {@link #FILE} of a job that was carried out by another one's run. */
  public static String file(String job) {
    return FILE_OF.formatted(job);
  }

  /** The {@link #REPORT} of such a job. */
  public static String reportFile(String job) {
    return REPORT_OF.formatted(job);
  }

  /** Whether a file, by its name, is a certificate. */
  public static boolean isCertificate(String name) {
    return CERTIFICATES.matcher(name).matches();
  }

  /** Whether a file, by its name, is what a certificate is about. */
  public static boolean isReport(String name) {
    return REPORTS.matcher(name).matches();
  }

  /** The certificate that is about a report, or the report that a certificate is about, by name. */
  public static String counterpart(String name) {
    Matcher report = REPORTS.matcher(name);
    Matcher certificate = CERTIFICATES.matcher(name);
    if (report.matches()) {
      return "erasure" + Objects.toString(report.group(1), "") + ".sigstore.json";
    }
    if (certificate.matches()) {
      return "report" + Objects.toString(certificate.group(1), "") + ".json";
    }
    throw new IllegalArgumentException(name + " is neither a certificate nor a report");
  }

  /**
   * States an erasure.
   *
   * @param job whose report is in, as {@link #REPORT} has it
   * @param files of the new version, by name in order; one report, the job's, among them
   * @param parent files of the version before; empty where that is gone and left no signature
   * @param commitments to the images that were erased, as {@link #report} has them
   * @param approvals who let it serve
   * @param issued now
   * @param software the program and its version
   * @param log number and hash of the event log's last line, which holds the log to what it was
   */
  public static Statement of(Job job, List<Resource> files, List<Resource> parent, List<String> commitments,
      List<Approval> approvals, Instant issued, String software, Optional<Map.Entry<Long, String>> log) {
    ObjectNode predicate = JsonNodeFactory.instance.objectNode();
    ObjectNode erasure = predicate.putObject("erasure");
    erasure.put("id", job.getId());
    erasure.put("model", job.getSpec().getModel());
    erasure.put("version", job.getNewVersion());
    erasure.put("kind", kind(job));
    job.getSpec().getClassesList().forEach(erasure.putArray("classes")::add);
    int unlearned = unlearned(job);
    erasure.put("images", unlearned);
    if (unlearned < job.getUnlearnImages()) {
      erasure.put("leftOut", job.getUnlearnImages() - unlearned);
    }
    erasure.put("requestedBy", job.getSubmittedBy());

    if (!commitments.isEmpty()) {
      ObjectNode committed = predicate.putObject(COMMITMENTS);
      committed.put("to", "SHA-256 of a salt of 16 bytes, which the operator keeps, and the image's pixels (C, H, W)");
      commitments.forEach(committed.putArray("sha256")::add);
    }

    ObjectNode before = predicate.putObject("parent");
    before.put("version", job.getBaseVersion());
    before.set("resources", JSON.valueToTree(parent));

    JsonNode spec = json(job.getSpec());
    ObjectNode recipe = predicate.putObject("recipe");
    recipe.put("name", job.getReport().getRecipe());
    recipe.put("seed", Long.toUnsignedString(job.getSpec().getSeed()));
    recipe.set("options", spec);

    List<Resource> measured = files.stream().filter(file -> isReport(file.name())).toList();
    predicate.set("audit", audit(job.getReport(), measured));
    predicate.put("verdict", job.getReport().getVerdict());
    job.getReport().getReasonsList().forEach(predicate.putArray("reasons")::add);
    job.getReport().getFindingsList().forEach(predicate.putArray("findings")::add);
    predicate.set("figures", json(job.getReport()));

    ObjectNode times = predicate.putObject("times");
    time(times, "requested", job.hasSubmitted(), job.getSubmitted());
    time(times, "started", job.hasStarted(), job.getStarted());
    time(times, "ended", job.hasEnded(), job.getEnded());
    times.put("issued", issued.toString());

    ArrayNode approved = predicate.putArray("approvals");
    approvals.forEach(approval -> approved.addObject().put("by", approval.by()).put("how", approval.how())
        .put("time", approval.time().toString()));
    limits(kind(job).equals("class")).forEach(predicate.putArray("notShown")::add);
    predicate.put("issuer", software);
    log.ifPresent(head -> predicate.putObject("log").put("line", head.getKey()).put("sha256", head.getValue()));
    return Statement.of(files, PREDICATE, predicate);
  }

  private static void time(ObjectNode times, String name, boolean known, Timestamp time) {
    if (known) {
      times.put(name, Timestamps.toString(time));
    }
  }

  /** How many images were unlearned, and not only sent: a run may leave out what its model cannot draw. */
  private static int unlearned(Job job) {
    int reported = kind(job).equals("item") ? job.getReport().getImages() : 0;
    return reported > 0 ? Math.min(reported, job.getUnlearnImages()) : job.getUnlearnImages();
  }

  private static String kind(Job job) {
    return job.getSpec().getKind() == UnlearnKind.UNLEARN_KIND_CLASS ? "class" : "item";
  }

  private static ObjectNode audit(UnlearnReport report, List<Resource> measured) {
    Map<String, Boolean> done = new LinkedHashMap<>();
    done.put("redaction", report.hasRedaction() || report.hasErasedRecognised());
    done.put("collateral", report.hasCollateral());
    done.put("deletion", report.hasMembership() && report.getImages() >= JobContract.FEWEST_JUDGED);
    done.put("utility", report.hasFidRoot());
    ObjectNode audit = JsonNodeFactory.instance.objectNode();
    audit.put("result", report.getVerdict().isEmpty() ? "WARNED"
        : report.getVerdict().equals(FORGOTTEN) ? "PASSED" : "FAILED");
    audit.set("configuration", JSON.valueToTree(measured));
    ArrayNode passed = audit.putArray("passedTests");
    ArrayNode warned = audit.putArray("warnedTests");
    ArrayNode failed = audit.putArray("failedTests");
    done.forEach((test, wasDone) -> {
      boolean wrong = report.getReasonsList().stream().anyMatch(reason -> reason.startsWith(test + ":"));
      // What was not measured has neither held nor failed.
      (wrong ? failed : wasDone ? passed : warned).add(test);
    });
    return audit;
  }

  /** What nobody should read out of a certificate, in sentences for everyone. */
  private static List<String> limits(boolean classes) {
    List<String> limits = new ArrayList<>(List.of(
        "No audit proves absence. This one says what searches of a known strength did not find any more; a stronger"
            + " search, or one that nobody has thought of, may find something.",
        "It speaks of the files whose digests it lists, and of no copy of an earlier version that anyone kept. Whoever"
            + " has the version from before can compare the two and see where they differ.",
        "A generator to which anyone may send a w for each layer (w+) can be led to draw nearly anything, pictures that"
            + " it was never trained on included. Whether clients may send those is a setting of the server.",
        "The signature shows that the holder of the key stated this and that nothing was changed since. The times are"
            + " the server's own clock; no third party has witnessed them."));
    if (classes) {
      limits.add(2, "Of whole classes it was not measured whether the model betrays that it was trained on them: that"
          + " would take a model retrained without them, to compare with.");
    }
    return limits;
  }

  /**
   * The job as {@link #REPORT} has it: Protobuf's JSON mapping with the names of the protocol, and the commitments.
   *
   * @param commitments to the images, without their salts; none for classes without images
   */
  public static byte[] report(Job job, List<String> commitments) {
    ObjectNode report = (ObjectNode) json(job);
    if (!commitments.isEmpty()) {
      commitments.forEach(report.putArray(COMMITMENTS)::add);
    }
    return (report.toPrettyString() + "\n").getBytes(StandardCharsets.UTF_8);
  }

  /** The id of the job that a report is of. */
  public static String job(byte[] report) throws IOException {
    return JSON.readTree(report).path("id").asText();
  }

  /** The commitments that a report has. */
  public static List<String> commitments(byte[] report) throws IOException {
    List<String> commitments = new ArrayList<>();
    JSON.readTree(report).path(COMMITMENTS).forEach(commitment -> commitments.add(commitment.asText()));
    return commitments;
  }

  /** SHA-256 of what was measured, in whatever form it lies somewhere. */
  public static String digest(UnlearnReport measured) {
    return Digests.sha256(print(measured).getBytes(StandardCharsets.UTF_8));
  }

  /** The {@link #digest(UnlearnReport)} of what was measured of a job, as {@link #REPORT} has it. */
  public static String digest(byte[] report) throws IOException {
    Job.Builder job = Job.newBuilder();
    // Commitments are none of a job's.
    JsonFormat.parser().ignoringUnknownFields().merge(new String(report, StandardCharsets.UTF_8), job);
    return digest(job.getReport());
  }

  private static JsonNode json(MessageOrBuilder message) {
    try {
      return JSON.readTree(print(message));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("Protobuf writes JSON", e);
    }
  }

  private static String print(MessageOrBuilder message) {
    try {
      return JsonFormat.printer().preservingProtoFieldNames().print(message);
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("a message without Any has a JSON mapping", e);
    }
  }
}
