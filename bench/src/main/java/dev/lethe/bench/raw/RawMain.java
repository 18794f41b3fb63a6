package dev.lethe.bench.raw;

import ai.onnxruntime.OrtException;
import dev.lethe.bench.load.Format;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.image.ImageEncoder;
import dev.lethe.models.image.Pixels;
import dev.lethe.models.runtime.ExecutionDevice;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;

/**
 * A process that runs sessions for as long as it is told to, so that it has a Java virtual machine and a set of cores
 * of its own, as a server has. Arguments: bundle, device, threads, and {@value #REBUILT} for the graph that the server
 * makes of the bundle's for this processor. Prints {@value #READY} after its first image; then
 * for each line {@code FORMAT BATCH SECONDS} on standard input one line {@code IMAGES SECONDS CPU_SECONDS
 * MEDIAN_SECONDS BYTES}: the median is of a run, the bytes are of an image.
 */
public final class RawMain {

  /** Printed once it can be asked. */
  public static final String READY = "ready";

  /** The argument that asks for the server's graphs. */
  public static final String REBUILT = "rebuilt";

  private static final int LEAST_RUNS = 3;

  private final Bundle bundle;
  private final ExecutionDevice device;
  private final int threads;
  private final boolean rebuilt;

  private RawMain(Bundle bundle, ExecutionDevice device, int threads, boolean rebuilt) {
    this.bundle = bundle;
    this.device = device;
    this.threads = threads;
    this.rebuilt = rebuilt;
  }

  public static void main(String[] args) throws IOException, OrtException {
    new RawMain(Bundle.open(Path.of(args[0])), ExecutionDevice.parse(args[1]), Integer.parseInt(args[2]),
        args.length > 3 && args[3].equals(REBUILT)).serve();
  }

  private void serve() throws IOException, OrtException {
    try (RawSession first = new RawSession(bundle, device, threads, 1, rebuilt)) {
      first.run();
      System.out.println(READY);
    }
    BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = commands.readLine(); line != null; line = commands.readLine()) {
      String[] words = line.split(" ");
      System.out.println(measure(Format.valueOf(words[0]), Integer.parseInt(words[1]),
          Double.parseDouble(words[2])));
    }
  }

  private String measure(Format format, int batch, double seconds) throws OrtException {
    try (RawSession session = new RawSession(bundle, device, threads, batch, rebuilt)) {
      long bytes = format(session.run(), format, batch);
      double[] times = new double[64];
      int runs = 0;
      double cpu = cpuSeconds();
      long started = System.nanoTime();
      double elapsed;
      do {
        long before = System.nanoTime();
        bytes = format(session.run(), format, batch);
        long now = System.nanoTime();
        if (runs == times.length) {
          times = Arrays.copyOf(times, 2 * runs);
        }
        times[runs++] = (now - before) / 1e9;
        elapsed = (now - started) / 1e9;
      } while (elapsed < seconds || runs < LEAST_RUNS);
      Arrays.sort(times, 0, runs);
      return (long) runs * batch + " " + elapsed + " " + (cpuSeconds() - cpu) + " " + times[runs / 2] + " "
          + bytes / batch;
    }
  }

  private static double cpuSeconds() {
    return ProcessHandle.current().info().totalCpuDuration().orElse(Duration.ZERO).toNanos() / 1e9;
  }

  /** The bytes of all images. */
  private long format(FloatBuffer images, Format format, int batch) {
    if (format == Format.TENSOR) {
      return (long) images.capacity() * Float.BYTES;
    }
    ModelCard.Network network = bundle.card().network();
    int length = images.capacity() / batch;
    long bytes = 0;
    for (int i = 0; i < batch; i++) {
      bytes += ImageEncoder.png(Pixels.toBytes(images.slice(i * length, length)), network.channels(),
          network.resolution(), network.resolution()).length;
    }
    return bytes;
  }
}
