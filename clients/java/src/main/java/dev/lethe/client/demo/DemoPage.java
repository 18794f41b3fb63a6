package dev.lethe.client.demo;

import dev.lethe.client.console.Table;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** The demo's result as one HTML file that needs no other. */
final class DemoPage {

  private static final String PAGE = """
      <!doctype html>
      <html lang="en">
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <title>Lethe: before and after</title>
      <style>
        body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem;
               color: #1d2129; background: #fafafa }
        table { border-collapse: collapse; margin: 1rem 0 }
        th, td { text-align: left; padding: .35rem .9rem .35rem 0; border-bottom: 1px solid #d8dbe0;
                 vertical-align: top }
        figure { margin: 1.5rem 0; overflow-x: auto }
        figcaption { margin-bottom: .4rem; font-weight: 600 }
        .verdict { font-weight: 600; padding: .6rem .9rem; border-left: .3rem solid #2e7d5b; background: #eef5f1 }
        img { max-width: none; image-rendering: pixelated }
      </style>
      <h1>Lethe: before and after</h1>
      <p class="verdict">%s</p>
      <table>
      %s</table>
      %s</html>
      """;

  private DemoPage() {}

  /**
   * @param verdict in one line
   * @param pictures PNG bytes by caption, in order
   */
  static String html(String verdict, Table table, Map<String, byte[]> pictures) {
    StringBuilder rows = new StringBuilder();
    String cell = "th";
    for (List<String> row : table.rows()) {
      String tag = cell;
      rows.append(row.stream().map(text -> "<" + tag + ">" + escape(text) + "</" + tag + ">")
          .collect(Collectors.joining("", "<tr>", "</tr>\n")));
      cell = "td";
    }
    StringBuilder figures = new StringBuilder();
    pictures.forEach((caption, png) -> figures.append("<figure><figcaption>").append(escape(caption))
        .append("</figcaption><img alt=\"").append(escape(caption)).append("\" src=\"data:image/png;base64,")
        .append(Base64.getEncoder().encodeToString(png)).append("\"></figure>\n"));
    return PAGE.formatted(escape(verdict), rows, figures);
  }

  private static String escape(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;");
  }
}
