package dev.lethe.bench.device;

import dev.lethe.bench.model.BenchModel;
import dev.lethe.models.runtime.CudaOptions;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.models.stylegan2.StyleGan2Config;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;

/**
 * What a step is given.
 *
 * @param home of the project, or of a kit
 * @param work folder for models and logs, kept between steps
 * @param small whether networks and batches are such as a processor computes in seconds
 * @param rows takes each row of results
 */
record Setting(ExecutionDevice device, Path home, Path work, boolean small, Consumer<Figures> rows) {

  private static final StyleGan2Config SMALL = new StyleGan2Config(32, 3, 0, 64, 64, 2, 1024, 64);
  private static final StyleGan2Config SMALL_64 = new StyleGan2Config(64, 3, 0, 64, 64, 2, 1024, 64);

  /** The shipped model. */
  BenchModel shipped() throws IOException {
    return BenchModel.shipped(home.resolve("onnx-models/bundles"), "mnist");
  }

  /** The reference's sizes at 256×256 or 1024×1024. */
  StyleGan2Config config(boolean large) {
    return small ? large ? SMALL_64 : SMALL : large ? BenchModel.CONFIG_F_1024 : BenchModel.CONFIG_F_256;
  }

  BenchModel random(boolean large) throws IOException {
    return BenchModel.random(config(large), work);
  }

  /** Threads on the processor: one on each core. */
  int threads() {
    return Runtime.getRuntime().availableProcessors();
  }

  /** The device with TF32 or without, by the name of its arithmetic; the processor has floats alone. */
  List<Arithmetic> floats() {
    return device instanceof ExecutionDevice.Cuda cuda
        ? List.of(new Arithmetic("tf32", tf32(cuda, true)), new Arithmetic("fp32", tf32(cuda, false)))
        : List.of(new Arithmetic("fp32", device));
  }

  private static ExecutionDevice tf32(ExecutionDevice.Cuda cuda, boolean on) {
    CudaOptions options = cuda.options();
    return new ExecutionDevice.Cuda(new CudaOptions(options.device(), options.memoryLimitMib(), options.arena(),
        options.convSearch(), on), false);
  }

  /** What products of floats are computed in, and the device that does so. */
  record Arithmetic(String name, ExecutionDevice device) {}

  void row(Object... pairs) {
    rows.accept(Figures.of(pairs));
  }
}
