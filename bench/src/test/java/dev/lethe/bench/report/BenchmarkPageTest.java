package dev.lethe.bench.report;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.bench.convolution.ConvolutionComparison;
import dev.lethe.bench.load.Format;
import dev.lethe.bench.measure.JobBenchmark;
import dev.lethe.bench.measure.ServingBenchmark;
import dev.lethe.bench.measure.SwapBenchmark;
import dev.lethe.bench.measure.Turns;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class BenchmarkPageTest {

  @Test
  void ratiosComeFirst() {
    BenchmarkPage page = new BenchmarkPage("./lethe bench", "2026-01-02", "a machine", "One thread.");
    Turns.Ratio none = new Turns.Ratio(Double.NaN, Double.NaN, Double.NaN);
    Turns.Ratio ratio = new Turns.Ratio(0.97, 0.95, 1);
    page.serving(new ServingBenchmark.Result("M", Map.of(Format.PNG, List.of(new ServingBenchmark.Row("Lethe", 1234.5,
        6.789, ratio, none, ratio, 1, 374, Double.NaN, 3, 0.13, 0.5))), List.of("mlserver")));
    page.swaps(new SwapBenchmark.Result(new Turns.Ratio(1.5, 1.2, 1.9), 1, 4, 1.5, 6, 900, 12, 0.25));
    page.jobs(new JobBenchmark.Result(new Turns.Ratio(1.75, 1.5, 2), new JobBenchmark.Latency(1, 4, 900),
        new JobBenchmark.Latency(1.25, 8, 800), new JobBenchmark.Latency(1.25, 7, 90_000),
        new JobBenchmark.Latency(1.5, 6, 850), new JobBenchmark.Latency(2, 9, 700), 2, 300));
    page.convolutions(List.of(new ConvolutionComparison.Result("M", 8, 1, 2, 2.5, new Turns.Ratio(2.5, 2, 3),
        new Turns.Ratio(1.25, 1, 2), 1e-6)));
    String text = page.toString();
    assertTrue(text.contains("Made by `./lethe bench` on 2026-01-02, on a machine. One thread."), text);
    assertTrue(text.contains("On M, mlserver did not start."), text);
    assertTrue(text.contains("## M, PNG files"), text);
    assertTrue(text.contains("| Lethe | **0.97** (0.95–1.00) | – | **0.97** (0.95–1.00) | 1,234.5 | 6.79 | – | 3.0 "
        + "| 0.13 |"),
        text);
    assertTrue(text.contains("| **1.50** (1.20–1.90) | 4.0 | 6.0 | 1.0 | 1.5 | 900 | 12 | 0.25 |"), text);
    assertTrue(text.contains("| without a job | 900 | 1.0 | 4.0 | 1.00 |"), text);
    assertTrue(text.contains("| **with a job** | 90000 | 1.3 | 7.0 | **1.75** (1.50–2.00) |"), text);
    assertTrue(text.contains("| turn of its submission | 800 | 1.3 | 8.0 | 2.00 |"), text);
    assertTrue(text.contains("| turn of its promotion | 850 | 1.5 | 6.0 | 1.50 |"), text);
    assertTrue(text.contains("| slowest turn | 700 | 2.0 | 9.0 | 2.25 |"), text);
    assertTrue(text.contains("| M | 8 | **2.50** (2.00–3.00) times as long | **1.25** (1.00–2.00) | 1.0 | 2.0 | 2.5 "
        + "| 1e-06 |"), text);
  }
}
