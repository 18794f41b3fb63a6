package dev.lethe.server.erasure;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.protobuf.util.Timestamps;
import com.lowagie.text.pdf.PdfReader;
import com.lowagie.text.pdf.parser.PdfTextExtractor;
import dev.lethe.server.provenance.SignedStatement;
import dev.lethe.server.provenance.SigningKey;
import dev.lethe.server.provenance.Statement;
import dev.lethe.server.provenance.Statement.Resource;
import dev.lethe.v1.BeforeAfter;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobState;
import dev.lethe.v1.Membership;
import dev.lethe.v1.UnlearnKind;
import dev.lethe.v1.UnlearnReport;
import dev.lethe.v1.UnlearnSpec;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ErasureCertificateTest {

  private static final Instant NOW = Instant.parse("2026-11-27T18:00:00Z");
  private static final String DIGEST = "ab".repeat(32);

  @TempDir
  Path root;

  private SigningKey key;

  @BeforeEach
  void open() throws IOException {
    key = SigningKey.open(root.resolve("signing.pem"));
  }

  private static Job.Builder job() {
    return Job.newBuilder().setId("20261127-1").setState(JobState.JOB_STATE_SUCCEEDED).setBaseVersion("v1")
        .setNewVersion("v1-u1").setSubmittedBy("alice <&>").setSubmitted(Timestamps.fromSeconds(1_800_000_000))
        .setSpec(UnlearnSpec.newBuilder().setModel("mnist").setKind(UnlearnKind.UNLEARN_KIND_CLASS).addClasses("7")
            .setSeed(5))
        .setReport(UnlearnReport.newBuilder().setVerdict("forgotten").setRecipe("lethe")
            .setErasedRecognised(BeforeAfter.newBuilder().setBefore(0.98).setAfter(0.004))
            .setFidRoot(BeforeAfter.newBuilder().setBefore(10).setAfter(9.8)));
  }

  private static Statement statement(Job job) {
    return ErasureCertificate.of(job, List.of(Resource.sha256("model.json", DIGEST),
        Resource.sha256(ErasureCertificate.REPORT, DIGEST)), List.of(Resource.sha256("model.json", DIGEST)),
        List.of("c0ffee"), List.of(new Approval(Approval.GATES, "the audit's verdict and the request's gates", NOW)),
        NOW, "lethe 0.1.0",
        Optional.of(Map.entry(41L, DIGEST)));
  }

  @Test
  void saysWhatWasErasedAndHowItWasJudged() throws IOException {
    Statement statement = statement(job().build());
    JsonNode says = statement.predicate();
    assertEquals("PASSED", says.path("audit").path("result").asText());
    assertEquals("[\"redaction\",\"utility\"]", says.path("audit").path("passedTests").toString());
    // What nobody measured must not count as passed.
    assertEquals("[\"collateral\",\"deletion\"]", says.path("audit").path("warnedTests").toString());
    assertEquals(DIGEST, says.path("audit").path("configuration").path(0).path("digest").path("sha256").asText());
    assertEquals(0.004, says.path("figures").path("erased_recognised").path("after").asDouble());
    assertEquals("5", says.path("recipe").path("seed").asText());
    assertEquals("v1", says.path("parent").path("version").asText());
    assertEquals("c0ffee", says.path("commitments").path("sha256").path(0).asText());
    byte[] report = ErasureCertificate.report(job().build(), List.of("c0ffee"));
    assertEquals(List.of("c0ffee"), ErasureCertificate.commitments(report));
    assertEquals(List.of(), ErasureCertificate.commitments(ErasureCertificate.report(job().build(), List.of())));
    assertEquals(new Erasure("20261127-1", "mnist", "v1-u1", "v1", "class", List.of("7"), 0, NOW),
        Erasure.of(statement));
  }

  /** Of one or two images an attack's score is chance, whatever it is. */
  @Test
  void whatCannotBeJudgedHasNotPassedAndIsPrinted() {
    Job.Builder job = job();
    job.getReportBuilder().setImages(2).setMembership(Membership.newBuilder()
        .setW(BeforeAfter.newBuilder().setBefore(0.5).setAfter(1)))
        .addFindings("of 2 images no AUC is sure: whether they are deleted cannot be judged, and was not");
    SignedStatement signed = SignedStatement.sign(statement(job.build()), key);
    assertEquals("[\"collateral\",\"deletion\"]",
        statement(job.build()).predicate().path("audit").path("warnedTests").toString());
    String page = new String(CertificatePage.html(signed, key.verificationKey()), StandardCharsets.UTF_8);
    assertTrue(page.contains("whether they are deleted cannot be judged"), page);
    job.getReportBuilder().setImages(3);
    assertEquals("[\"redaction\",\"deletion\",\"utility\"]",
        statement(job.build()).predicate().path("audit").path("passedTests").toString());
  }

  @Test
  void whatWasLeftOutIsSaidToBe() {
    Job.Builder job = job().setUnlearnImages(16)
        .setSpec(UnlearnSpec.newBuilder().setKind(UnlearnKind.UNLEARN_KIND_ITEM));
    job.getReportBuilder().setImages(11);
    assertEquals(11, statement(job.build()).predicate().path("erasure").path("images").asInt());
    String page = new String(CertificatePage.html(SignedStatement.sign(statement(job.build()), key),
        key.verificationKey()), StandardCharsets.UTF_8);
    assertTrue(page.contains("11 images") && page.contains("5 images more that were sent")
        && !page.contains("16 images"), page);
  }

  @Test
  void aVersionThatIsNotForgottenSaysSo() {
    Job.Builder job = job();
    job.getReportBuilder().setVerdict("not forgotten").addReasons("redaction: 3 % are recognised");
    JsonNode audit = statement(job.build()).predicate().path("audit");
    assertEquals("FAILED", audit.path("result").asText());
    assertEquals("[\"redaction\"]", audit.path("failedTests").toString());
    String page = new String(CertificatePage.html(SignedStatement.sign(statement(job.build()), key),
        key.verificationKey()), StandardCharsets.UTF_8);
    assertTrue(page.contains("not forgotten") && page.contains("3 % are recognised"), page);
    assertFalse(page.contains("verdict forgotten"));
  }

  @Test
  void thePagesSayTheSameAndWhatCannotBeShown() throws IOException {
    SignedStatement signed = SignedStatement.sign(statement(job().build()), key);
    String page = new String(CertificatePage.html(signed, key.verificationKey()), StandardCharsets.UTF_8);
    byte[] pdf = CertificatePdf.pdf(signed, key.verificationKey());
    assertArrayEquals(new byte[] {'%', 'P', 'D', 'F'}, Arrays.copyOf(pdf, 4));
    StringBuilder text = new StringBuilder();
    try (PdfReader reader = new PdfReader(pdf)) {
      PdfTextExtractor extractor = new PdfTextExtractor(reader);
      for (int i = 1; i <= reader.getNumberOfPages(); i++) {
        text.append(extractor.getTextFromPage(i)).append(' ');
      }
    }
    String printed = text.toString().replaceAll("\\s+", " ");
    for (String expected : List.of("No audit proves absence", "class 7", "0.4 %", "98.0 %", "20261127-1", "v1-u1",
        key.verificationKey().hint().substring(0, 16))) {
      assertTrue(page.contains(expected), expected + " in " + page);
      assertTrue(printed.contains(expected), expected + " in " + printed);
    }
    assertTrue(page.contains("alice &lt;&amp;&gt;") && !page.contains("alice <"), page);
  }
}
