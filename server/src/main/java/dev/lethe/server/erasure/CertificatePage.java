package dev.lethe.server.erasure;

import dev.lethe.server.provenance.SignedStatement;
import dev.lethe.server.provenance.VerificationKey;
import java.nio.charset.StandardCharsets;

/** The certificate as one page of HTML, which loads nothing and runs nothing. */
public final class CertificatePage {

  private static final String STYLE = """
      body { font: 16px/1.5 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem }
      body { color: #1b1b1f; background: #fff }
      h1 { font-size: 1.5rem } h2 { font-size: 1.1rem; margin-top: 2rem }
      .verdict { padding: .75rem 1rem; border-left: .4rem solid #8a5a00; background: #fdf3e1 }
      .verdict.forgotten { border-color: #1d6b3a; background: #e9f6ee }
      table { border-collapse: collapse } td, th { padding: .2rem .8rem .2rem 0; text-align: left; vertical-align: top }
      th { font-weight: 600 } td { overflow-wrap: anywhere }
      """;

  private CertificatePage() {}

  public static byte[] html(SignedStatement certificate, VerificationKey key) {
    CertificateText text = CertificateText.of(certificate, key);
    StringBuilder page = new StringBuilder();
    page.append("<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\""
        + " content=\"width=device-width\">\n<title>").append(escape(text.title())).append("</title>\n<style>\n")
        .append(STYLE).append("</style>\n<h1>").append(escape(text.title())).append("</h1>\n<p class=\"verdict")
        .append(text.forgotten() ? " forgotten" : "").append("\">").append(escape(text.verdict())).append("</p>\n");
    for (CertificateText.Section section : text.sections()) {
      page.append("<h2>").append(escape(section.heading())).append("</h2>\n");
      section.sentences().forEach(sentence -> page.append("<p>").append(escape(sentence)).append("</p>\n"));
      if (!section.rows().isEmpty()) {
        page.append("<table>\n");
        section.rows().forEach((name, value) -> page.append("<tr><th>").append(escape(name)).append("</th><td>")
            .append(escape(value)).append("</td></tr>\n"));
        page.append("</table>\n");
      }
    }
    return page.append("</html>\n").toString().getBytes(StandardCharsets.UTF_8);
  }

  private static String escape(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;");
  }
}
