package dev.lethe.client.cli;

import dev.lethe.client.LetheClient;
import dev.lethe.client.console.Console;
import dev.lethe.client.console.ProgressLine;
import dev.lethe.client.console.Table;
import dev.lethe.v1.InspectedImage;
import dev.lethe.v1.Inspection;
import dev.lethe.v1.LabelledImage;
import dev.lethe.v1.UnlearnSpec;
import java.util.List;
import java.util.Locale;

/** {@code lethe unlearn --dry-run}: what a job would find. */
record DryRun(Console console, Output output, boolean isQuiet) {

  int run(LetheClient lethe, UnlearnSpec spec, List<LabelledImage> images) {
    StudyProgress progress = new StudyProgress(console, output.isText() && !isQuiet);
    Inspection found;
    try {
      found = lethe.inspect(spec, images, progress::tell);
    } finally {
      progress.end();
    }
    if (output.isNames()) {
      found.getImagesList().forEach(image -> console.out().println(image.getName()));
    } else {
      output.one(console, found, () -> print(found), found.getVersion());
    }
    return 0;
  }

  private void print(Inspection found) {
    console.out().println("Looked for in version " + found.getVersion() + " of " + found.getModel()
        + "; nothing was changed.");
    found.getPreparationsList().forEach(console.out()::println);
    Table table = new Table("image", "error", "drawn better", "discriminator", "");
    for (InspectedImage image : found.getImagesList()) {
      table.row(image.getName(), text("%.4f", image.getError()), text("%.0f %%", 100 * image.getRank()),
          image.hasJudgement() ? text("%.2f (above %.0f %%)", image.getJudgement(), 100 * image.getJudgementRank()) : "none",
          image.getFinding());
    }
    table.print(console.out());
    console.out().println(text("Median error of %d of the model's own pictures: %.4f", found.getGenerated(),
        found.getGeneratedError()) + (found.hasNeverSeenError() ? text(", of %d images that it never saw: %.4f",
            found.getNeverSeen(), found.getNeverSeenError()) : "")
        + "; the percentages are of " + (found.hasNeverSeenError() ? "the latter." : "the former."));
    console.out().println("A job would take up to " + ProgressLine.duration(found.getJobSeconds())
        + " here; it ends before, once its target is reached.");
    found.getNotesList().forEach(console.out()::println);
  }

  private static String text(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }
}
