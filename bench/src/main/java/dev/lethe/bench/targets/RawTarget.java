package dev.lethe.bench.targets;

import dev.lethe.bench.load.Format;
import dev.lethe.bench.raw.RawMain;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.runtime.ExecutionDevice;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Sessions in a process of their own, fed with batches of one size: ONNX Runtime's in Java, which are the limit for a
 * server, or OpenVINO's in Python.
 */
public final class RawTarget implements Target {

  private final String name;
  private final TargetProcess process;
  private final BufferedReader answers;
  private final PrintWriter commands;
  private final double startSeconds;
  private final int batch;

  private RawTarget(String name, TargetProcess process, int batch) throws IOException {
    this.name = name;
    this.process = process;
    this.answers = process.process().inputReader();
    this.commands = new PrintWriter(process.process().outputWriter(), true);
    this.batch = batch;
    try {
      if (!RawMain.READY.equals(read())) {
        throw new IOException("the process of the raw session does not speak its protocol");
      }
    } catch (IOException e) {
      process.close();
      throw e;
    }
    this.startSeconds = process.secondsSinceStart();
  }

  /**
   * @param batch images of a run when it is saturated
   * @param rebuilt whether the graph is that which the server makes of the bundle's for this processor
   * @param directory for its log
   */
  static RawTarget start(Bundle bundle, ExecutionDevice device, Cores cores, int batch, boolean rebuilt, Path directory)
      throws IOException {
    List<String> command = List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "-cp", System.getProperty("java.class.path"), RawMain.class.getName(), bundle.directory().toString(),
        device.toString(), Integer.toString(cores.threads()), rebuilt ? RawMain.REBUILT : "as it is");
    String name = rebuilt ? "raw session of Lethe's graphs" : "raw session";
    TargetProcess process =
        TargetProcess.start(cores.onServers(command), Map.of(), directory.resolve("raw.log"), true);
    return new RawTarget(name, process, batch);
  }

  /**
   * @param home of the project
   * @param batch images of a run when it is saturated
   * @param directory for its log
   */
  static RawTarget openvino(Bundle bundle, Path home, Cores cores, int batch, Path directory) throws IOException {
    List<String> command = List.of(home.resolve("target/peers/openvino/bin/python").toString(),
        home.resolve("bench/peers/openvino/raw.py").toString(), bundle.directory().toString(),
        Integer.toString(cores.threads()));
    return new RawTarget("OpenVINO, raw session",
        TargetProcess.start(cores.onServers(command), Map.of(), directory.resolve("raw.log"), true), batch);
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public double startSeconds() {
    return startSeconds;
  }

  @Override
  public Saturation saturate(Format format, Duration duration) throws IOException {
    String[] words = ask(format, batch, duration);
    double images = Double.parseDouble(words[0]);
    return new Saturation(images / Double.parseDouble(words[1]), Double.parseDouble(words[2]) / images,
        Double.parseDouble(words[4]));
  }

  @Override
  public double aloneMillis(Format format, Duration duration) throws IOException {
    return 1e3 * Double.parseDouble(ask(format, 1, duration)[3]);
  }

  private String[] ask(Format format, int images, Duration duration) throws IOException {
    commands.println(String.format(Locale.ROOT, "%s %d %f", format, images, duration.toMillis() / 1e3));
    return read().split(" ");
  }

  private String read() throws IOException {
    String line = answers.readLine();
    if (line == null) {
      throw new IOException("the process of the raw session ended; its last lines:\n" + process.lastLines());
    }
    return line;
  }

  @Override
  public void close() {
    process.close();
  }
}
