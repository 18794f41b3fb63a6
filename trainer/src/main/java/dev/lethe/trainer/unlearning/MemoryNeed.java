package dev.lethe.trainer.unlearning;

import com.sun.management.OperatingSystemMXBean;
import dev.lethe.models.architecture.Networks;
import dev.lethe.trainer.redaction.RedactionOptions;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.Locale;

/**
 * About how much memory a job of single images takes at most on a CPU, known before it begins: its largest part is the
 * generator's step, which holds the feature maps of all its images. Its factors are a little above what was measured:
 * docs/results/large-models.md.
 *
 * @param bytes of the process
 * @param images of a step
 */
public record MemoryNeed(long bytes, int images) {

  /** Times that a step holds each value of a feature map: scaled, convolved, activated, and gradients of these. */
  private static final double COPIES = 5.5;
  /**
   * Times that it holds each weight: those of the original, of the step, gradients, Adam's moments, averages, copies.
   */
  private static final double WEIGHTS = 7;
  /** Pictures that a job holds beside: of latents that stay, and those that it compares with. */
  private static final double PICTURES = 450;
  /** What a process takes whatever it trains: Java, ONNX Runtime, sessions that draw and measure. */
  private static final long REST = 1L << 30;
  private static final double GIB = 1L << 30;

  /** Of a step of these options. */
  public static MemoryNeed of(Networks config, RedactionOptions options) {
    int images = options.moving() + options.anchors() + options.random();
    long weights = config.parameters().values().stream()
        .mapToLong(shape -> Arrays.stream(shape).reduce(1, (a, b) -> a * b)).sum();
    double pictures = PICTURES * config.channels() * config.resolution() * config.resolution();
    return new MemoryNeed(REST + (long) (Float.BYTES * (COPIES * images * config.activationValues() + WEIGHTS * weights
        + pictures)), images);
  }

  /** All memory of this machine or, in a container, of that, in bytes. */
  public static long ofThisMachine() {
    return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getTotalMemorySize();
  }

  /**
   * Refuses what does not fit.
   *
   * @param available in bytes
   * @throws IllegalArgumentException with both figures, and what to do
   */
  void requireWithin(long available) {
    if (bytes > available) {
      throw new IllegalArgumentException("this job would take about " + gib(bytes) + " GiB of memory, for steps of "
          + images
          + " images of this model, and there are " + gib(available)
              + "; lower batch (at least 4), or take a machine with "
          + "more memory or a GPU");
    }
  }

  /** For example {@code 12.3}. */
  static String gib(long bytes) {
    return String.format(Locale.ROOT, "%.1f", bytes / GIB);
  }

  /** In a sentence. */
  public String sentence() {
    return "A job would take about " + gib(bytes) + " GiB of memory";
  }
}
