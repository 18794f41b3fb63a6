package dev.lethe.bench.device;

import ai.onnxruntime.OrtException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lethe.bench.model.BenchModel;
import dev.lethe.models.architecture.Precision;
import dev.lethe.models.stylegan2.StyleGan2Bundle;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;

/** Operators of synthesis by the time that they take, and where they run: what stays on the processor costs copies. */
final class OperatorProfile implements Step.Measurement {

  private static final int BATCH = 8;
  private static final int SMALL_BATCH = 1;
  private static final int RUNS = 3;
  private static final int ROWS = 8;

  private record Operator(String name, String provider) {}

  private static final class Sum {
    private long count;
    private double micros;
  }

  @Override
  public void run(Setting setting) throws IOException, OrtException {
    BenchModel model = setting.random(false);
    for (Precision precision : Precision.values()) {
      Path file;
      try (SynthesisSession session = new SynthesisSession(StyleGan2Bundle.synthesis(model.bundle(), precision),
          setting.config(false), setting.device(), setting.threads(), setting.work().resolve("profile-" + precision));
          SynthesisSession.Batch batch = session.batch(setting.small() ? SMALL_BATCH : BATCH)) {
        for (int i = 0; i < RUNS; i++) {
          batch.mean();
        }
        file = session.endProfiling();
      }
      tell(setting, precision, sums(new ObjectMapper().readTree(file.toFile())));
    }
  }

  private static Map<Operator, Sum> sums(JsonNode events) {
    Map<Operator, Sum> sums = new HashMap<>();
    for (JsonNode event : events) {
      if (event.path("name").asText().endsWith("_kernel_time")) {
        Sum sum = sums.computeIfAbsent(new Operator(event.path("args").path("op_name").asText(),
            event.path("args").path("provider").asText()), operator -> new Sum());
        sum.count++;
        sum.micros += event.path("dur").asDouble();
      }
    }
    return sums;
  }

  private static void tell(Setting setting, Precision precision, Map<Operator, Sum> sums) {
    double all = sums.values().stream().mapToDouble(sum -> sum.micros).sum();
    sums.entrySet().stream()
        .sorted(Comparator.comparingDouble((Map.Entry<Operator, Sum> entry) -> -entry.getValue().micros)).limit(ROWS)
        .forEach(entry -> setting.row("precision", precision.toString(), "operator", entry.getKey().name(),
            "provider", entry.getKey().provider(), "calls a run", entry.getValue().count / RUNS,
            "share", entry.getValue().micros / all));
  }
}
