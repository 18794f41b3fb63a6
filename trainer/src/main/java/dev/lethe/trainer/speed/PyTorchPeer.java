package dev.lethe.trainer.speed;

import dev.lethe.models.stylegan2.StyleGan2Config;
import dev.lethe.trainer.adversarial.AdversarialOptions;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

/** The same training in PyTorch, in a process of its own that waits between turns: {@code bench/peers/pytorch}. */
final class PyTorchPeer implements AutoCloseable {

  private final Process process;
  private final BufferedReader answers;
  private final PrintWriter orders;
  private final String version;

  private PyTorchPeer(Process process, BufferedReader answers, PrintWriter orders, String version) {
    this.process = process;
    this.answers = answers;
    this.orders = orders;
    this.version = version;
  }

  /**
   * Starts it.
   *
   * @param python an interpreter that has PyTorch
   * @param script its program
   * @throws IOException if there is no such interpreter, or it has no PyTorch, with what it said
   */
  static PyTorchPeer start(String python, Path script, StyleGan2Config config, AdversarialOptions options, int threads)
      throws IOException {
    Process process = new ProcessBuilder(List.of(python, script.toString(), "" + config.resolution(),
        "" + config.channels(), "" + config.classes(), "" + config.zDim(), "" + config.wDim(),
        "" + config.mappingLayers(), "" + config.channelBase(), "" + config.channelMax(), "" + options.batch(),
        "" + options.r1Interval(), "" + threads)).redirectErrorStream(true).start();
    BufferedReader answers =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    String last = "it said nothing";
    for (String line = answers.readLine(); line != null; line = answers.readLine()) {
      if (line.startsWith("ready ")) {
        return new PyTorchPeer(process, answers, new PrintWriter(process.getOutputStream(), true,
            StandardCharsets.UTF_8), line.substring("ready ".length()));
      }
      last = line;
    }
    process.destroy();
    throw new IOException(python + " " + script + ": " + last);
  }

  String version() {
    return version;
  }

  /** Seconds of so many steps. */
  double seconds(int steps) {
    orders.println(steps);
    try {
      String answer = answers.readLine();
      return Double.parseDouble(answer == null ? "" : answer);
    } catch (IOException | NumberFormatException e) {
      throw new IllegalStateException("PyTorch's process ended", e);
    }
  }

  @Override
  public void close() {
    process.destroy();
  }
}
