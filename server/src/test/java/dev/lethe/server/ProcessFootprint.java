package dev.lethe.server;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What this process, server and test together, takes of the machine.
 *
 * @param residentKib resident memory, after a garbage collection; 0 where there is no /proc
 * @param threads of the Java virtual machine, of native libraries and of the test's clients; 0 where there is no /proc
 * @param serverThreads Java threads of the server: inference, event loops
 * @param bufferBytes memory of the server's batches, outside the Java heap
 * @param versions in memory
 * @param queued images that wait
 * @param connections open
 */
public record ProcessFootprint(long residentKib, long threads, long serverThreads, double bufferBytes, double versions,
    double queued, double connections) {

  /** Of now. */
  public static ProcessFootprint of(ServerFixture server, String model) throws IOException, InterruptedException {
    System.gc();
    Path status = Path.of("/proc/self/status");
    String text = Files.exists(status) ? Files.readString(status) : "";
    return new ProcessFootprint(number(text, "VmRSS:\\s+(\\d+) kB"), number(text, "Threads:\\s+(\\d+)"),
        Thread.getAllStackTraces().keySet().stream().map(Thread::getName)
            .filter(name -> name.startsWith("lethe-") || name.startsWith("vert.x-eventloop")).count(),
        server.metric("lethe_inference_buffer_bytes"),
        server.metric("lethe_model_loaded_versions{model=\"" + model + "\",}"),
        server.metric("lethe_inference_queue_length{model=\"" + model + "\",}"), server.metric("lethe_connections"));
  }

  private static long number(String text, String pattern) {
    Matcher line = Pattern.compile(pattern).matcher(text);
    return line.find() ? Long.parseLong(line.group(1)) : 0;
  }
}
