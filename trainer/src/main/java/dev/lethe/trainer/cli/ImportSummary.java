package dev.lethe.trainer.cli;

import dev.lethe.models.stylegan2.DiscriminatorConfig;
import dev.lethe.models.stylegan2.StyleGan2Config;
import dev.lethe.models.stylegan2.imports.ImportedModel;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** What was read, for a person. */
final class ImportSummary {

  private ImportSummary() {}

  /** A line for each part. */
  static String of(ImportedModel model) {
    StyleGan2Config config = model.config();
    StringBuilder text = new StringBuilder();
    row(text, "file", model.source());
    row(text, "images", config.resolution() + " x " + config.resolution() + ", "
        + (config.channels() == 1 ? "grey" : "RGB"));
    row(text, "classes", config.conditional() ? Integer.toString(config.classes()) : "none");
    List<String> widths = IntStream.iterate(4, r -> r <= config.resolution(), r -> 2 * r)
        .mapToObj(r -> Integer.toString(config.width(r))).toList();
    row(text, "generator", "z " + config.zDim() + ", w " + config.wDim() + ", " + config.mappingLayers()
        + " mapping layers, channels " + String.join(" ", widths) + clamp(config.convClamp()) + ", "
        + count(model, "G.") + " parameters");
    DiscriminatorConfig d = config.discriminator();
    row(text, "discriminator", d == null ? "none: what it could tell of membership cannot be measured"
        : d.architecture()
        + ", minibatch standard deviation " + (d.mbstdChannels() == 0 ? "none" : "of "
        + (d.mbstdGroup() == 0 ? "the whole batch" : "groups of " + d.mbstdGroup())) + clamp(d.convClamp()) + ", "
        + count(model, "D.") + " parameters");
    for (String note : model.notes()) {
      row(text, "note", note);
    }
    return text.toString();
  }

  private static String clamp(Double clamp) {
    return clamp == null ? "" : String.format(Locale.ROOT, ", conv_clamp %s", clamp);
  }

  private static long count(ImportedModel model, String prefix) {
    return model.weights().entrySet().stream().filter(entry -> entry.getKey().startsWith(prefix))
        .collect(Collectors.summingLong(entry -> entry.getValue().data().length));
  }

  /** A line for what was chosen afterwards. */
  static void row(PrintWriter print, String name, String value) {
    StringBuilder text = new StringBuilder();
    row(text, name, value);
    print.print(text);
    print.flush();
  }

  private static void row(StringBuilder text, String name, String value) {
    text.append(String.format("%-14s %s%n", name, value));
  }
}
