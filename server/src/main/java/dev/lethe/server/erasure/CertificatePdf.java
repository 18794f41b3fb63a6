package dev.lethe.server.erasure;

import com.lowagie.text.Document;
import com.lowagie.text.Element;
import com.lowagie.text.Font;
import com.lowagie.text.FontFactory;
import com.lowagie.text.PageSize;
import com.lowagie.text.Paragraph;
import com.lowagie.text.Phrase;
import com.lowagie.text.pdf.PdfPCell;
import com.lowagie.text.pdf.PdfPTable;
import com.lowagie.text.pdf.PdfWriter;
import dev.lethe.server.provenance.SignedStatement;
import dev.lethe.server.provenance.VerificationKey;
import java.awt.Color;
import java.io.ByteArrayOutputStream;
import java.nio.charset.Charset;
import java.util.Map;

/** The certificate as a PDF of A4 pages, for files and signatures of people. */
public final class CertificatePdf {

  private static final Charset WESTERN = Charset.forName("windows-1252");
  private static final float MARGIN = 56;
  private static final Color GOOD = new Color(0x1d, 0x6b, 0x3a);
  private static final Color DOUBTFUL = new Color(0x8a, 0x5a, 0x00);

  private CertificatePdf() {}

  public static byte[] pdf(SignedStatement certificate, VerificationKey key) {
    CertificateText text = CertificateText.of(certificate, key);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    Document document = new Document(PageSize.A4, MARGIN, MARGIN, MARGIN, MARGIN);
    PdfWriter.getInstance(document, bytes);
    document.addTitle(text.title());
    document.open();
    document.add(paragraph(text.title(), font(FontFactory.HELVETICA_BOLD, 15, Color.BLACK), 12));
    document.add(paragraph(text.verdict(),
        font(FontFactory.HELVETICA_BOLD, 10.5f, text.forgotten() ? GOOD : DOUBTFUL), 8));
    Font body = font(FontFactory.HELVETICA, 10, Color.BLACK);
    for (CertificateText.Section section : text.sections()) {
      Paragraph heading = paragraph(section.heading(), font(FontFactory.HELVETICA_BOLD, 11.5f, Color.BLACK), 4);
      heading.setSpacingBefore(10);
      heading.setKeepTogether(true);
      document.add(heading);
      section.sentences().forEach(sentence -> document.add(paragraph(sentence, body, 5)));
      if (!section.rows().isEmpty()) {
        document.add(table(section.rows(), body));
      }
    }
    document.close();
    return bytes.toByteArray();
  }

  private static Font font(String name, float size, Color colour) {
    return FontFactory.getFont(name, size, colour);
  }

  private static Paragraph paragraph(String text, Font font, float after) {
    Paragraph paragraph = new Paragraph(printable(text), font);
    paragraph.setSpacingAfter(after);
    return paragraph;
  }

  private static PdfPTable table(Map<String, String> rows, Font body) {
    PdfPTable table = new PdfPTable(new float[] {1, 2.6f});
    table.setWidthPercentage(100);
    table.setSpacingBefore(2);
    rows.forEach((name, value) -> {
      table.addCell(cell(name, font(FontFactory.HELVETICA_BOLD, 9, Color.BLACK)));
      table.addCell(cell(value, value.length() > 60 ? font(FontFactory.HELVETICA, 7.5f, Color.BLACK) : body));
    });
    return table;
  }

  private static PdfPCell cell(String text, Font font) {
    PdfPCell cell = new PdfPCell(new Phrase(printable(text), font));
    cell.setBorder(PdfPCell.BOTTOM);
    cell.setBorderColor(Color.LIGHT_GRAY);
    cell.setPadding(3);
    cell.setVerticalAlignment(Element.ALIGN_TOP);
    return cell;
  }

  /** The fonts that every reader has know Western European letters; a name in others is told by its code points. */
  private static String printable(String text) {
    StringBuilder printable = new StringBuilder();
    text.codePoints().forEach(point -> {
      String letter = Character.toString(point);
      printable.append(WESTERN.newEncoder().canEncode(letter) ? letter : "U+%04X ".formatted(point));
    });
    return printable.toString();
  }
}
