package dev.lethe.models.runtime;

import java.util.List;
import java.util.Locale;

/**
 * The names that one operating system and processor go by in the two jars that carry the native libraries.
 *
 * @param presets folder of the training build inside the JavaCPP presets' jar; with CUDA it has the suffix {@code -gpu}
 * @param jni folder of the JNI library inside ONNX Runtime's own jar
 * @param runtimeLibrary file name of the training build: its versioned name, which the JNI library asks the linker for
 * @param suffix of unversioned shared libraries
 */
record Platform(String presets, String jni, String runtimeLibrary, String suffix) {

  private static final List<Platform> SUPPORTED = List.of(
      new Platform("linux-x86_64", "linux-x64", "libonnxruntime.so.1", ".so"),
      new Platform("linux-arm64", "linux-aarch64", "libonnxruntime.so.1", ".so"),
      new Platform("macosx-arm64", "osx-aarch64", "libonnxruntime.1.dylib", ".dylib"));

  /**
   * @param osName as in the system property {@code os.name}
   * @param osArch as in the system property {@code os.arch}
   * @throws NativeRuntimeException if there is no training build for it
   */
  static Platform of(String osName, String osArch) {
    String os = osName.toLowerCase(Locale.ROOT);
    String system = os.startsWith("linux") ? "linux" : os.startsWith("mac") ? "macosx" : os;
    String processor = switch (osArch.toLowerCase(Locale.ROOT)) {
      case "amd64", "x86_64" -> "x86_64";
      case "aarch64", "arm64" -> "arm64";
      default -> osArch;
    };
    String name = system + "-" + processor;
    return SUPPORTED.stream().filter(platform -> platform.presets.equals(name)).findFirst()
        .orElseThrow(() -> new NativeRuntimeException("No ONNX Runtime with training for this platform (" + osName
            + ", " + osArch + "). Run on one of " + SUPPORTED.stream().map(Platform::presets).toList()
            + ", or build ONNX Runtime with training and its Java binding and name their folder with -D"
            + NativeRuntime.PATH_PROPERTY + "=DIR."));
  }

  /** The name that the Java API looks for. */
  String unversionedRuntimeLibrary() {
    return library("onnxruntime");
  }

  String jniLibrary() {
    return library("onnxruntime4j_jni");
  }

  String library(String name) {
    return "lib" + name + suffix;
  }
}
