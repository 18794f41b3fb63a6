package dev.lethe.trainer.evaluation;

import dev.lethe.trainer.evaluation.PersonResult.Method;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Results of people as a page of tables, and all figures as a CSV file beside it.
 *
 * @param name of the files
 * @param judge AUC of the judge on real photos of strangers
 * @param pictures by file, with captions
 */
record PersonPage(Path directory, String name, String model, String command, double judge, Map<String, String> pictures,
    List<PersonResult> results) {

  /** Writes the page. Gives back its first table. */
  String write() throws IOException {
    StringBuilder page = new StringBuilder("# A person unlearned, audited: ").append(model).append("\n\n`")
        .append(command)
        .append("`, ").append(results.stream().map(PersonResult::date).distinct().sorted()
            .collect(Collectors.joining(", "))).append(", on ").append(results.stream().map(PersonResult::machine)
            .distinct().sorted().collect(Collectors.joining(", "))).append("; ").append(results.size())
        .append(" runs. A seed is a person, of whom half of the photos are sent to be unlearned.\n\n").append(legend());
    String first = likeness();
    page.append("## Likeness\n\nOf the original's pictures → the candidate's at the same latents → at latents found "
        + "afresh in the candidate.\n\n").append(first).append("\n## Verdicts\n\n");
    results.forEach(result -> page.append("- **").append(result.method().title).append(", seed ").append(result.seed())
        .append("**: ").append(result.forgotten() ? "forgotten" : "not forgotten: "
            + String.join("; ", result.reasons()))
        .append(". *").append(String.join("; ", result.findings())).append("*")
        .append(result.notes().isEmpty() ? "" : " " + String.join(" ", result.notes())).append('\n'));
    page.append('\n').append(cost());
    pictures.forEach((file, caption) ->
        page.append('\n').append(caption).append("\n\n![](").append(file).append(")\n"));
    Files.writeString(directory.resolve(name + ".md"), page);
    Files.writeString(directory.resolve(name + ".csv"), csv());
    return first;
  }

  private String legend() {
    return String.format(Locale.ROOT, """
        | | |
        | --- | --- |
        | likeness | mean cosine between the embedding of a picture and those of the other photos of the one whom it is to \
        show, by an identity network (dlib's, from face-api) that neither a loss nor the search uses, less the mean \
        embedding of usual faces: people differ at 0. It tells real photos of strangers apart with AUC %.3f |
        | sent, not sent | photos of the person that the job had, and such as it never saw: a person is not a list of files |
        | alike, others | people who stay: the person's nearest to the identity network, and others |
        | strangers | people whom the model was never trained on, with themselves: how well it draws anyone. With 95 %% \
        interval, by bootstrap over people |
        | chance | how like *the person* the pictures for strangers are: the most that counts as no likeness is the end \
        of its interval |
        | real | the photos with each other, the most that there could be |
        | FID / root's | Fréchet distance of samples from photos that stay, as a multiple of the base's: by the \
        discriminator's activations, and in the space of the identity network |

        Forgotten is a person if the photos that were **not sent** are, at the latents of the original, no more like the \
        person than the end of chance's interval; at latents found afresh in the candidate no more than the end of the \
        strangers' interval; if people who stay lost at most a quarter of their likeness; and if FID is at most 1.10 times \
        the root's.

        """, judge);
  }

  private String likeness() {
    StringBuilder table =
        new StringBuilder("| what | seed | sent | not sent | real | alike | others | strangers | chance "
        + "| FID / root's | FID / root's, identity | verdict |\n| --- |" + " --- |".repeat(11) + "\n");
    for (PersonResult result : results) {
      Map<String, Double> f = result.figures();
      table.append("| ").append(result.method().title).append(" | ").append(result.seed()).append(" | ")
          .append(change(f, "sent")).append(" | ").append(change(f, "not_sent")).append(" | ")
          .append(number(f, "not_sent_real", 2)).append(" | ").append(change(f, "alike")).append(" | ")
          .append(change(f, "others")).append(" | ").append(number(f, "strangers_before", 2)).append(" → ")
          .append(interval(f, "strangers_again")).append(" | ").append(interval(f, "chance_before")).append(" | ")
          .append(number(f, "fid_root_ratio", 3)).append(" | ").append(number(f, "fid_identity_ratio", 3)).append(" | ")
          .append(result.forgotten() ? "forgotten" : "not forgotten: " + result.reasons().stream()
              .map(reason -> reason.substring(0, reason.indexOf(':'))).distinct().collect(Collectors.joining(", ")))
          .append(" |\n");
    }
    return table.toString();
  }

  private String cost() {
    StringBuilder table =
        new StringBuilder("## Cost\n\n| what | seed | photos sent, not sent | pixel error of photos not "
        + "sent | of strangers | steps | seconds | audit's | FID of the root | in identity |\n| --- |"
            + " --- |".repeat(9)
        + "\n");
    for (PersonResult result : results) {
      Map<String, Double> f = result.figures();
      table.append("| ").append(result.method().title).append(" | ").append(result.seed()).append(" | ")
          .append(number(f, "photos_sent", 0)).append(", ").append(number(f, "photos_not_sent", 0)).append(" | ")
          .append(number(f, "not_sent_error_before", 4)).append(" → ").append(number(f, "not_sent_error", 4))
          .append(" | ").append(number(f, "strangers_error_before", 4)).append(" → ")
          .append(number(f, "strangers_error", 4)).append(" | ").append(number(f, "steps", 0)).append(" | ")
          .append(result.method() == Method.NOTHING ? "–" : number(f, "seconds", 0)).append(" | ")
          .append(number(f, "audit_seconds", 0)).append(" | ").append(number(f, "fid_root_before", 2)).append(" | ")
          .append(number(f, "fid_identity_before", 4)).append(" |\n");
    }
    return table.toString();
  }

  private static String change(Map<String, Double> f, String group) {
    return number(f, group + "_before", 2) + " → " + number(f, group + "_same", 2) + " → "
        + number(f, group + "_again", 2);
  }

  private static String interval(Map<String, Double> f, String name) {
    return number(f, name, 2) + " (" + number(f, name + "_low", 2) + " to " + number(f, name + "_high", 2) + ")";
  }

  private static String number(Map<String, Double> figures, String name, int digits) {
    Double value = figures.get(name);
    return value == null ? "–" : String.format(Locale.ROOT, "%." + digits + "f", value).replace('-', '−');
  }

  private String csv() {
    return FiguresCsv.of("method", results.stream()
        .map(result -> new FiguresCsv.Row(result.method() + "," + result.seed(), result.forgotten(), result.figures(),
            result.reasons(), result.date(), result.machine())).toList());
  }
}
