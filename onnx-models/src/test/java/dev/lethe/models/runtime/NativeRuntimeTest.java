package dev.lethe.models.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OrtProvider;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NativeRuntimeTest {

  @Test
  void loadsOnceAndSaysWhat() {
    NativeRuntime runtime = NativeRuntime.load();
    assertSame(runtime, NativeRuntime.load());
    assertTrue(runtime.environment().isTrainingEnabled());
    assertTrue(runtime.providers().contains(OrtProvider.CPU));
    assertTrue(runtime.toString().matches(
        "ONNX Runtime 1\\.\\d+\\.\\d+, training yes, providers \\[.*CPUExecutionProvider.*], from /.*"),
        runtime.toString());
  }

  @Test
  void aNegativeNumberOfThreadsIsRefused() {
    assertThrows(IllegalArgumentException.class, () -> Compute.cpu(-1));
  }

  @Test
  void cudaThatIsNotThereIsAPreciseError() {
    NativeRuntime runtime = NativeRuntime.load();
    NativeRuntimeException e = assertThrows(NativeRuntimeException.class,
        () -> runtime.sessionOptions(new Compute(new ExecutionDevice.Cuda(4000), 0)).close());
    String expected = runtime.providers().contains(OrtProvider.CUDA) ? "cannot be used" : "built without CUDA";
    assertTrue(e.getMessage().contains("Device cuda:4000") && e.getMessage().contains(expected), e.getMessage());
  }

  @Test
  void theJniLibraryKnowsCudaWhereTheRuntimeDoes() throws IOException {
    NativeRuntime runtime = NativeRuntime.load();
    Platform platform = Platform.of(System.getProperty("os.name"), System.getProperty("os.arch"));
    Path jni = Path.of(runtime.toString().replaceAll(".*, from ", "")).resolve(platform.jniLibrary());
    String text = new String(Files.readAllBytes(jni), StandardCharsets.ISO_8859_1);
    // Seen with a GPU alone: the runtime finds it, and then the JNI library refuses.
    assertTrue(!runtime.providers().contains(OrtProvider.CUDA)
        || !text.contains("This binary was not compiled with CUDA support"), jni + " was built without CUDA");
  }

  @Test
  void theProcessorTakesThePlaceOfAGpuOnlyWhereItMay() {
    NativeRuntime runtime = NativeRuntime.load();
    assertSame(ExecutionDevice.CPU, runtime.usable(ExecutionDevice.CPU));
    assertSame(ExecutionDevice.CPU, runtime.usable(ExecutionDevice.parse("cuda:4000,fallback=cpu")));
    NativeRuntimeException e = assertThrows(NativeRuntimeException.class,
        () -> runtime.usable(ExecutionDevice.parse("cuda:4000")));
    assertTrue(e.getMessage().contains("the option fallback=cpu"), e.getMessage());
  }

  @Test
  void aLibraryWithoutTrainingIsRefused(@TempDir Path stock) throws Exception {
    Platform platform = Platform.of(System.getProperty("os.name"), System.getProperty("os.arch"));
    String folder = "/ai/onnxruntime/native/" + platform.jni() + "/";
    copy(folder + platform.unversionedRuntimeLibrary(), stock.resolve(platform.unversionedRuntimeLibrary()));
    copy(folder + platform.jniLibrary(), stock.resolve(platform.jniLibrary()));
    Outcome outcome = loadElsewhere("-Dlethe.native.path=" + stock);
    assertEquals(1, outcome.exit(), outcome.output());
    assertTrue(outcome.output().contains("is built without the training APIs. Use "), outcome.output());
  }

  @Test
  void aReadyFolderIsUsedAsItIs(@TempDir Path cache) throws Exception {
    Path ready = NativeRuntime.load().directory();
    Outcome outcome = loadElsewhere("-Dlethe.native.path=" + ready, "-Dlethe.native.cache=" + cache.resolve("none"));
    assertEquals(0, outcome.exit(), outcome.output());
    assertTrue(outcome.output().contains("training yes"), outcome.output());
    assertFalse(Files.exists(cache.resolve("none")));
  }

  @Test
  void aReadyFolderWithoutLibrariesIsNamed(@TempDir Path empty) throws Exception {
    Outcome outcome = loadElsewhere("-Dlethe.native.path=" + empty);
    assertEquals(1, outcome.exit(), outcome.output());
    assertTrue(outcome.output().contains("in " + empty + ", the folder that -Dlethe.native.path names"),
        outcome.output());
  }

  /** The runtime is loaded once in a process, so other ways of loading it need other processes. */
  static final class Main {
    public static void main(String[] args) {
      System.out.println(NativeRuntime.load());
    }
  }

  private record Outcome(int exit, String output) {}

  private static Outcome loadElsewhere(String... properties) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of(properties));
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes());
    return new Outcome(process.waitFor(), output);
  }

  private static void copy(String resource, Path file) throws IOException {
    try (InputStream in = NativeRuntimeTest.class.getResourceAsStream(resource)) {
      Files.copy(in, file);
    }
  }
}
