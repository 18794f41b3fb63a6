package dev.lethe.bench.device;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnxruntime.OrtException;
import dev.lethe.bench.model.BenchModel;
import dev.lethe.models.architecture.Precision;
import dev.lethe.models.graph.Arithmetic;
import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.Value;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.models.stylegan2.GeneratorNetwork;
import dev.lethe.models.stylegan2.Noise;
import dev.lethe.models.stylegan2.StyleGan2Bundle;
import dev.lethe.models.stylegan2.StyleGan2Config;
import java.util.List;

/**
 * Images a second of synthesis in float32 and half precision, by batch.
 *
 * @param large at 1024×1024
 */
record SynthesisThroughput(boolean large) implements Step.Measurement {

  private static final List<Integer> BATCHES = List.of(1, 4, 8, 16, 32);
  private static final List<Integer> SMALL_BATCHES = List.of(1, 4);
  private static final double SECONDS = 1;
  /** Larger batches are left out once a run takes longer. */
  private static final double LONGEST = 3;

  @Override
  public void run(Setting setting) throws Exception {
    BenchModel model = setting.random(large);
    Setting.Arithmetic floats = setting.floats().get(0);
    measure(setting, model, floats.name(), Precision.FP32, floats.device());
    measure(setting, model, "fp16", Precision.FP16, setting.device());
  }

  private void measure(Setting setting, BenchModel model, String name, Precision precision, ExecutionDevice device)
      throws Exception {
    StyleGan2Config config = setting.config(large);
    double multiplyAdds = multiplyAdds(config);
    ModelProto graph = StyleGan2Bundle.synthesis(model.bundle(), precision);
    try (SynthesisSession session = new SynthesisSession(graph, config, device, setting.threads(), null)) {
      for (int count : setting.small() ? SMALL_BATCHES : BATCHES) {
        double seconds;
        try (SynthesisSession.Batch batch = session.batch(count)) {
          seconds = Timing.median(SECONDS, batch::mean);
          double together = Timing.median(SECONDS / 2, batch::images);
          setting.row("model", model.title(), Figures.ARITHMETIC, name, Figures.BATCH, (long) count,
              Figures.MILLIS, 1e3 * seconds, Figures.PER_SECOND, count / seconds,
              "with images, ms", 1e3 * together, "with images, images/s", count / together,
              Figures.TERAFLOPS, Figures.teraflops(multiplyAdds * count / seconds));
        } catch (OrtException | OutOfMemoryError e) {
          // Most likely the device's memory: what is larger does not fit either.
          setting.row("model", model.title(), Figures.ARITHMETIC, name, Figures.BATCH, (long) count,
              Figures.NOTE, "failed: " + e.getMessage());
          return;
        }
        if (seconds > LONGEST) {
          return;
        }
      }
    }
  }

  private static double multiplyAdds(StyleGan2Config config) {
    Graph g = new Graph("synthesis");
    Value ws = g.input("ws", 1, config.numWs(), config.wDim());
    return Arithmetic.multiplyAdds(List.of(GeneratorNetwork.synthesis(g, config, ws, Noise.constant())));
  }
}
