package dev.lethe.bench.device;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** {@code lethe demo}, with server and worker on the device. */
final class DemoRun implements Step.Measurement {

  @Override
  public void run(Setting setting) throws IOException, InterruptedException {
    Path out = setting.work().resolve("demo");
    ProcessBuilder demo = new ProcessBuilder(setting.home().resolve("lethe").toAbsolutePath().toString(), "demo",
        "--out", out.toString());
    if (setting.small()) {
      demo.command().addAll(List.of("--images", "2", "--learn", "32", "--iterations", "10"));
    }
    demo.environment().put("LETHE_DEVICE", setting.device().toString());
    long started = System.nanoTime();
    // Standard output is for rows.
    int status = demo.redirectErrorStream(true).redirectOutput(setting.work().resolve("demo.txt").toFile()).start()
        .waitFor();
    Figures row = Figures.of("exit status", (long) status, "seconds", (System.nanoTime() - started) / 1e9);
    if (out.resolve("report.json").toFile().exists()) {
      JsonNode report = new ObjectMapper().readTree(out.resolve("report.json").toFile());
      row = row.with("verdict", report.path("verdict").asText()).with("job, s", report.path("seconds").asDouble())
          .with("audit, s", report.path("audit_seconds").asDouble());
    }
    setting.rows().accept(row);
  }
}
