package dev.lethe.bench.device;

import ai.onnx.proto.OnnxMl.ModelProto;
import dev.lethe.bench.model.BenchModel;
import dev.lethe.models.architecture.Precision;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.latent.NumpyRandom;
import dev.lethe.models.runtime.Compute;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.models.runtime.InferenceSession;
import dev.lethe.models.stylegan2.StyleGan2Bundle;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;

/** Images of both networks on the device against those of the bundle's files on the processor. */
final class Agreement implements Step.Measurement {

  private static final int IMAGES = 2;

  @Override
  public void run(Setting setting) throws IOException {
    compare(setting, setting.shipped());
    compare(setting, setting.random(false));
  }

  private static void compare(Setting setting, BenchModel model) throws IOException {
    int threads = setting.threads();
    Tensor expected;
    Tensor ws = ws(model, ExecutionDevice.CPU, threads);
    try (InferenceSession synthesis =
        InferenceSession.open(model.bundle().synthesis(), new Compute(ExecutionDevice.CPU, threads))) {
      expected = image(synthesis, ws);
    }
    for (Setting.Arithmetic arithmetic : setting.floats()) {
      long started = System.nanoTime();
      try (InferenceSession synthesis = model.served(arithmetic.device(), threads)) {
        double opened = (System.nanoTime() - started) / 1e9;
        Tensor found = image(synthesis, ws(model, arithmetic.device(), threads));
        row(setting, model, arithmetic.name(), found, expected, opened, (System.nanoTime() - started) / 1e9);
      }
    }
    ModelProto half = StyleGan2Bundle.synthesis(model.bundle(), Precision.FP16);
    long started = System.nanoTime();
    try (InferenceSession synthesis = InferenceSession.open(half, new Compute(setting.device(), threads))) {
      double opened = (System.nanoTime() - started) / 1e9;
      Tensor found = image(synthesis, ws(model, setting.device(), threads));
      row(setting, model, "fp16", found, expected, opened, (System.nanoTime() - started) / 1e9);
    }
  }

  private static void row(Setting setting, BenchModel model, String arithmetic, Tensor found, Tensor expected,
      double opened, double first) {
    setting.row("model", model.title(), Figures.ARITHMETIC, arithmetic,
        "largest", largest(found, expected), "rms", rms(found, expected),
        "session opens, s", opened, "first images, s", first);
  }

  private static Tensor ws(BenchModel model, ExecutionDevice device, int threads) {
    ModelCard card = model.bundle().card();
    int width = card.network().zDim();
    Map<String, Tensor> latents = new HashMap<>();
    Tensor z = Tensor.zeros(IMAGES, width);
    for (int i = 0; i < IMAGES; i++) {
      System.arraycopy(NumpyRandom.normal(i, width), 0, z.data(), i * width, width);
    }
    latents.put("z", z);
    latents.put("psi", Tensor.of(new float[] {1, 1}, IMAGES, 1));
    if (card.conditional()) {
      latents.put("c", Tensor.oneHot(new int[] {0, card.labels().size() - 1}, card.labels().size()));
    }
    try (InferenceSession mapping = InferenceSession.open(model.bundle().mapping(), new Compute(device, threads))) {
      return mapping.run(latents).get("ws");
    }
  }

  private static Tensor image(InferenceSession synthesis, Tensor ws) {
    return synthesis.run(Map.of("ws", ws)).get("image");
  }

  /** The largest difference by the largest expected value; not a number if any value is none. */
  static double largest(Tensor found, Tensor expected) {
    double difference = 0;
    double size = 0;
    for (int i = 0; i < expected.data().length; i++) {
      // Math.max keeps what is not a number.
      difference = Math.max(difference, Math.abs((double) found.data()[i] - expected.data()[i]));
      size = Math.max(size, Math.abs(expected.data()[i]));
    }
    return difference / size;
  }

  /** The root of the mean squared difference, by that of the expected values. */
  static double rms(Tensor found, Tensor expected) {
    double difference = 0;
    double size = 0;
    for (int i = 0; i < expected.data().length; i++) {
      double d = (double) found.data()[i] - expected.data()[i];
      difference += d * d;
      size += (double) expected.data()[i] * expected.data()[i];
    }
    return Math.sqrt(difference / size);
  }
}
