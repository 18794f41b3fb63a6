package dev.lethe.bench.report;

import dev.lethe.bench.convolution.ConvolutionComparison;
import dev.lethe.bench.load.Format;
import dev.lethe.bench.measure.EncodingCost;
import dev.lethe.bench.measure.JobBenchmark;
import dev.lethe.bench.measure.ServingBenchmark;
import dev.lethe.bench.measure.SwapBenchmark;
import dev.lethe.bench.measure.Turns;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Writes what was measured as Markdown, ratios first. */
public final class BenchmarkPage {

  private final StringBuilder page = new StringBuilder();

  /**
   * @param command that made it
   * @param machine kind of machine
   * @param setting what held for all servers, in a sentence
   */
  public BenchmarkPage(String command, String date, String machine, String setting) {
    page.append("# Benchmarks\n\nMade by `").append(command).append("` on ").append(date).append(", on ")
        .append(machine)
        .append(". ").append(setting).append("""


        Everything is measured in turns: the bare sessions, then each server, then again; ratios are of one turn, and the
        median over turns stands with the least and the greatest. The raw session is ONNX Runtime with the bundle's files
        in a Java process, fed with full batches from memory that stays where it is: the limit that the others are shown
        by. The server computes a graph of its own, made of the same weights for the processor; the raw session of that
        one is what the server can reach at best. With one client it cannot be faster than that and an empty call.
        OpenVINO computes the bundle's files in float32, too, fed as the raw session is, in a Python process.

        """);
  }

  /** Adds a table for each format of a model. */
  public void serving(ServingBenchmark.Result result) {
    for (String missing : result.missing()) {
      page.append("On ").append(result.model()).append(", ").append(missing).append(" did not start.\n\n");
    }
    for (Map.Entry<Format, List<ServingBenchmark.Row>> entry : result.rows().entrySet()) {
      String format = entry.getKey() == Format.TENSOR ? "float32 tensors" : "PNG files";
      heading(result.model() + ", " + format);
      page.append("""
          | | images/s, of the limit | 8 images a call | one client, times the limit | images/s | one client, ms | half load, p50 ms | \
          p99 ms | empty call, ms | CPU, ms/image | bytes/image | start, s |
          | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
          """);
      for (ServingBenchmark.Row row : entry.getValue()) {
        row(row.name(), ratio(row.ofLimit()), ratio(row.togetherOfLimit()), ratio(row.timesLimit()),
            number(row.perSecond(), 1),
            number(row.aloneMillis(), 2), number(row.p50(), 1), number(row.p99(), 1), number(row.emptyMillis(), 2),
            number(row.cpuMillis(), 2), number(row.bytes(), 0), number(row.startSeconds(), 1));
      }
      page.append('\n');
    }
  }

  /** Adds what swaps of versions did to other calls. */
  public void swaps(SwapBenchmark.Result result) {
    heading("Hot swap");
    page.append("""
        MNIST, PNG files, at a third of what saturates the server; then the same while it swaps between two versions, one
        swap after the other, so that every call meets one. A call that fails ends the benchmark.

        | 99th percentile while swapping, times without | without, ms | while swapping, ms | median, ms | \
        while swapping, ms | calls while swapping | swaps | s/swap |
        | --- | --- | --- | --- | --- | --- | --- | --- |
        """);
    row(ratio(result.p99()), number(result.steadyP99(), 1), number(result.swappingP99(), 1),
        number(result.steadyP50(), 1), number(result.swappingP50(), 1), Long.toString(result.calls()),
        Integer.toString(result.swaps()), number(result.secondsPerSwap(), 2));
    page.append('\n');
  }

  /** Adds what calls noticed of whole jobs. */
  public void jobs(JobBenchmark.Result result) {
    heading("A job, from its submission to its promotion");
    page.append("""
        MNIST, PNG files, at a third of what saturates the server; then the same from the submission of a job that erases
        a class until its version serves, its checkpoints included, and once more without; of the times without a job
        the better counts. The server is warm, and has seen no submission before. The worker is on the same cores as the
        server, at a lower priority. A call that fails, or a job that is not promoted, ends the benchmark. A turn is a few
        seconds: the first with a job has its submission; of the last two, in which its version is tried and serves, the
        slower counts; and so does the slowest of all. Without a job several turns count together.

        | | calls | median, ms | 99th percentile, ms | times that without |
        | --- | --- | --- | --- | --- |
        """);
    latency("without a job", result.steady(), result);
    row("**with a job**", Long.toString(result.work().calls()), number(result.work().p50(), 1),
        number(result.work().p99(), 1), ratio(result.p99()));
    latency("turn of its submission", result.submission(), result);
    latency("turn of its promotion", result.promotion(), result);
    latency("slowest turn", result.slowest(), result);
    page.append("\nJobs: ").append(result.jobs()).append(", of ").append(number(result.secondsPerJob(), 0))
        .append(" s each on average.\n\n");
  }

  private void latency(String of, JobBenchmark.Latency latency, JobBenchmark.Result result) {
    row(of, Long.toString(latency.calls()), number(latency.p50(), 1), number(latency.p99(), 1),
        number(latency.p99() / result.steady().p99(), 2));
  }

  /** Adds the comparison of the two forms of the modulated convolution. */
  public void convolutions(List<ConvolutionComparison.Result> results) {
    heading("The modulated convolution");
    page.append("""
        Whole synthesis networks with the same weights: as the server computes them, as bundles have them (activations
        scaled, one convolution for all images, demodulated after it), and as an ordinary PyTorch export has them (the
        weight modulated for each image, one convolution with as many groups as images). They draw the same images, to
        the difference shown.

        | model | batch | the grouped form takes | and by the bundle's form | served, ms/image | bundle, ms/image | \
        grouped, ms/image | largest difference |
        | --- | --- | --- | --- | --- | --- | --- | --- |
        """);
    for (ConvolutionComparison.Result result : results) {
      row(result.model(), Integer.toString(result.batch()), ratio(result.served()) + " times as long",
          ratio(result.bundle()), number(result.servedMillis(), 1), number(result.bundleMillis(), 1),
          number(result.groupedMillis(), 1),
          String.format(Locale.ROOT, "%.0e", result.difference()));
    }
    page.append('\n');
  }

  /** Adds where the time of an image goes. */
  public void encoding(List<EncodingCost> costs) {
    heading("From latent to file");
    page.append("""
        One image, one thread for each part. A server encodes one batch while it computes the next.

        | model | PNG, share of synthesis | synthesis, ms | float to bytes, ms | PNG, ms | JPEG, ms | PNG bytes | \
        JPEG bytes |
        | --- | --- | --- | --- | --- | --- | --- | --- |
        """);
    for (EncodingCost cost : costs) {
      row(cost.model(), number(100 * (cost.pixels() + cost.png()) / cost.synthesis(), 1) + " %",
          number(cost.synthesis(), 1), number(cost.pixels(), 2), number(cost.png(), 2), number(cost.jpeg(), 2),
          Integer.toString(cost.pngBytes()), Integer.toString(cost.jpegBytes()));
    }
    page.append('\n');
  }

  @Override
  public String toString() {
    return page.toString();
  }

  private void heading(String title) {
    page.append("## ").append(title).append("\n\n");
  }

  private void row(String... cells) {
    page.append("| ").append(String.join(" | ", cells)).append(" |\n");
  }

  private static String ratio(Turns.Ratio ratio) {
    return Double.isNaN(ratio.median()) ? "–" : String.format(Locale.ROOT, "**%.2f** (%.2f–%.2f)", ratio.median(),
        ratio.least(), ratio.greatest());
  }

  private static String number(double value, int decimals) {
    return Double.isNaN(value) ? "–" : String.format(Locale.ROOT, "%,." + decimals + "f", value);
  }
}
