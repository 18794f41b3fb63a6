package dev.lethe.server.erasure;

import com.fasterxml.jackson.databind.JsonNode;
import dev.lethe.server.provenance.SignedStatement;
import dev.lethe.server.provenance.Statement.Resource;
import dev.lethe.server.provenance.VerificationKey;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.BiConsumer;

/**
 * A certificate in plain words, before it is laid out as a page.
 *
 * @param title in a line
 * @param verdict in a sentence or two
 * @param forgotten whether it is good
 * @param sections in order
 */
record CertificateText(String title, String verdict, boolean forgotten, List<Section> sections) {

  /**
   * A part with a heading.
   *
   * @param sentences one paragraph each
   * @param rows a table of two columns below them; empty for none
   */
  record Section(String heading, List<String> sentences, Map<String, String> rows) {}

  static CertificateText of(SignedStatement signed, VerificationKey key) {
    JsonNode certificate = signed.statement().predicate();
    JsonNode erasure = certificate.path("erasure");
    boolean forgotten = certificate.path("audit").path("result").asText().equals("PASSED");
    String what = what(erasure);
    return new CertificateText("Erasure certificate: " + what + ", model " + erasure.path("model").asText(),
        verdict(certificate, what, forgotten), forgotten, List.of(
            new Section("What was done", List.of(), done(certificate, erasure, what)),
            new Section("What was shown", shown(certificate), Map.of()),
            new Section("What cannot be shown", texts(certificate.path("notShown")), Map.of()),
            new Section("Which files this is about", List.of("Version " + erasure.path("version").asText()
                + " consists of these files, by their SHA-256. A file with another digest is not the one certified."),
                digests(signed.statement().subject())),
            new Section("How to verify it", List.of(
                "The certificate itself is the signed file that comes with this page; the page is only its reading.",
                "cosign verify-blob-attestation --key signing.pem.pub --bundle " + ErasureCertificate.FILE + " --type "
                    + ErasureCertificate.PREDICATE + " --insecure-ignore-tlog " + ErasureCertificate.REPORT,
                "model_signing verify key VERSION-FOLDER --public_key signing.pem.pub --signature"
                    + " VERSION-FOLDER/model.sig"),
                Map.of("Key", "SHA-256 " + key.hint()))));
  }

  private static String what(JsonNode erasure) {
    List<String> classes = texts(erasure.path("classes"));
    int images = erasure.path("images").asInt();
    if (!classes.isEmpty()) {
      return (classes.size() == 1 ? "class " : "classes ") + String.join(", ", classes);
    }
    return images == 1 ? "1 image" : images + " images";
  }

  private static String verdict(JsonNode certificate, String what, boolean forgotten) {
    if (forgotten) {
      return "The audit's verdict is: forgotten. It looked for " + what + " in the new version, with searches of its"
          + " own, and what it found stayed within the bounds that were set.";
    }
    return certificate.path("verdict").asText().isEmpty()
        ? "There is no verdict: the version took requests without one."
        : "The audit's verdict is: not forgotten. The version took requests all the same, on the order of those named"
            + " below.";
  }

  private static Map<String, String> done(JsonNode certificate, JsonNode erasure, String what) {
    Map<String, String> rows = new LinkedHashMap<>();
    rows.put("Erased", what);
    int leftOut = erasure.path("leftOut").asInt();
    if (leftOut > 0) {
      rows.put("Left out", leftOut + (leftOut == 1 ? " image more that was sent" : " images more that were sent")
          + ", and that the model could not draw: there was nothing to erase, and nothing was measured");
    }
    rows.put("Request", erasure.path("id").asText());
    put(rows, "Requested by", erasure.path("requestedBy").asText());
    JsonNode times = certificate.path("times");
    put(rows, "Requested", times.path("requested").asText());
    put(rows, "Work began", times.path("started").asText());
    put(rows, "Work ended", times.path("ended").asText());
    put(rows, "Certificate issued", times.path("issued").asText());
    for (JsonNode approval : certificate.path("approvals")) {
      rows.merge("Approved by", approval.path("by").asText() + " (" + approval.path("how").asText() + "), "
          + approval.path("time").asText(), (one, other) -> one + "; " + other);
    }
    rows.put("From version", certificate.path("parent").path("version").asText());
    rows.put("To version", erasure.path("version").asText());
    JsonNode recipe = certificate.path("recipe");
    put(rows, "Recipe", recipe.path("name").asText());
    put(rows, "Seed of all random draws", recipe.path("seed").asText());
    return rows;
  }

  private static void put(Map<String, String> rows, String name, String value) {
    if (!value.isEmpty()) {
      rows.put(name, value);
    }
  }

  private static List<String> shown(JsonNode certificate) {
    JsonNode figures = certificate.path("figures");
    List<String> sentences = new ArrayList<>();
    change(figures.path("redaction").path("own"), (before, after) -> sentences.add(text("Asked for the images where the"
        + " model used to draw them, it now draws another picture for %s of them; before, for %s.", percent(after),
        percent(before))));
    change(figures.path("redaction").path("fresh"), (before, after) -> sentences.add(text("The audit looked for the"
        + " images afresh, without the job's help. At the places that it found, another picture is drawn for %s of"
        + " them; before, for %s.", percent(after), percent(before))));
    change(figures.path("erased_recognised"), (before, after) -> sentences.add(text("Of the pictures made for the"
        + " erased class by its label, a classifier still recognises %s as that class; before, %s.", percent(after),
        percent(before))));
    change(figures.path("former_recognised"), (before, after) -> sentences.add(text("Of the pictures at the places"
        + " where the class used to be drawn, it recognises %s; before, %s.", percent(after), percent(before))));
    change(figures.path("around_recognised"), (before, after) -> sentences.add(text("Around those places it recognises"
        + " %s; before, %s.", percent(after), percent(before))));
    change(figures.path("reinverted_recognised"), (before, after) -> sentences.add(text("An attacker who has real"
        + " pictures of the class and looks for latents that draw them still succeeds for %s; before, for %s. A model"
        + " that never saw the class draws some of them, too.", percent(after), percent(before))));
    change(figures.path("membership").path("w"), (before, after) -> sentences.add(text("An attacker who guesses by how"
        + " well the model draws an image whether it was erased or never seen has a score of %.2f; before, %.2f. 0.50"
        + " is a coin toss.", after, before)));
    if (figures.path("collateral").has("members")) {
      sentences.add(text("What was to stay: images of the training data moved %s of the way to another picture.",
          percent(figures.path("collateral").path("members").asDouble())));
    }
    if (figures.has("kept_recognised")) {
      change(figures.path("kept_recognised"), (before, after) -> sentences.add(text("What was to stay: pictures made"
          + " for the other classes are recognised as these in %s of cases; before, in %s.", percent(after),
          percent(before))));
    }
    change(figures.path("fid_root"), (before, after) -> sentences.add(text("The quality of the pictures that stay, as a"
        + " Fréchet distance (smaller is better): %.2f; of the oldest version that it comes from and that was there to"
        + " compare with, %.2f.", after, before)));
    texts(certificate.path("reasons")).forEach(reason -> sentences.add("Against it: " + reason + "."));
    // What was not measured, or could not be judged, stands there alone.
    texts(certificate.path("findings")).forEach(finding -> sentences.add("In the audit's words: " + finding + "."));
    if (sentences.isEmpty()) {
      sentences.add("Nothing was measured.");
    }
    return sentences;
  }

  private static void change(JsonNode beforeAfter, BiConsumer<Double, Double> tell) {
    if (!beforeAfter.isMissingNode()) {
      tell.accept(beforeAfter.path("before").asDouble(), beforeAfter.path("after").asDouble());
    }
  }

  private static String percent(double share) {
    return text("%.1f %%", 100 * share);
  }

  private static String text(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }

  private static Map<String, String> digests(List<Resource> files) {
    Map<String, String> rows = new LinkedHashMap<>();
    files.forEach(file -> rows.put(file.name(), file.sha256()));
    return rows;
  }

  private static List<String> texts(JsonNode array) {
    List<String> texts = new ArrayList<>();
    array.forEach(text -> texts.add(text.asText()));
    return texts;
  }
}
