package dev.lethe.models.runtime;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtProvider;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.providers.OrtCUDAProviderOptions;
import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.OnnxWriter;
import dev.lethe.models.graph.Ops;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import dev.lethe.models.runtime.InferenceSession.InferenceException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * ONNX Runtime with its training APIs, loaded once into this process.
 *
 * <p>The Java API and its JNI library come from {@code com.microsoft.onnxruntime:onnxruntime}, the library built with
 * training from {@code org.bytedeco:onnxruntime}; both must be of one version. They are extracted once to
 * {@code ${XDG_CACHE_HOME:-~/.cache}/lethe/native}, or to the folder that the system property {@value #CACHE_PROPERTY}
 * names. {@value #PATH_PROPERTY} names a folder with ready libraries instead: {@code libonnxruntime.so}, {@code
 * libonnxruntime4j_jni.so} and, for CUDA, {@code libonnxruntime_providers_shared.so} and {@code
 * libonnxruntime_providers_cuda.so}.
 *
 * <p>Call {@link #load} before any class of {@code ai.onnxruntime} is used: that package loads the library without
 * training by itself otherwise.
 *
 * <p>CUDA: take the class path of the Maven profile {@code cuda}. The CUDA 13 and cuDNN 9 libraries are the system's;
 * the loader finds them by its own rules ({@code LD_LIBRARY_PATH}, {@code ldconfig}).
 */
public final class NativeRuntime {

  /** System property: the folder that native libraries are extracted to. */
  public static final String CACHE_PROPERTY = "lethe.native.cache";

  /** System property: a folder that has the native libraries already. */
  public static final String PATH_PROPERTY = "lethe.native.path";

  /** The Java API's own property for the same thing; it reads it when its first class is initialised. */
  private static final String ORT_PATH_PROPERTY = "onnxruntime.native.path";

  private static final String NAME = "lethe";

  private static final Logger LOG = LoggerFactory.getLogger(NativeRuntime.class);

  private static NativeRuntime loaded;
  private static int sharedThreads;

  private final OrtEnvironment environment;
  private final Path directory;
  private final Set<OrtProvider> providers;
  /** False: each session has threads of its own. */
  private final boolean sharesThreads;

  private NativeRuntime(OrtEnvironment environment, Path directory, Set<OrtProvider> providers, boolean sharesThreads) {
    this.environment = environment;
    this.directory = directory;
    this.providers = providers;
    this.sharesThreads = sharesThreads;
  }

  /**
   * Has all sessions of this process compute on one pool of threads, which do not spin when idle: a new session starts
   * none, and so none with the priority of the thread that makes it. To be called before {@link #load}; once the
   * libraries are loaded, it changes nothing.
   *
   * @param threads threads inside an operator on the CPU, the calling thread included, from 1
   */
  public static synchronized void shareThreads(int threads) {
    sharedThreads = threads;
  }

  /**
   * Loads the native libraries on the first call and logs one line about them; later calls return the same object.
   *
   * @throws NativeRuntimeException if the platform is not supported, a library is missing or does not load, or the
   *     library has no training; the message says what to do
   */
  public static synchronized NativeRuntime load() {
    if (loaded == null) {
      Path directory = libraries();
      System.setProperty(ORT_PATH_PROPERTY, directory.toString());
      OrtEnvironment environment = environment(directory);
      NativeRuntime runtime = new NativeRuntime(environment, directory, OrtEnvironment.getAvailableProviders(),
          sharedThreads > 0);
      if (!runtime.environment.isTrainingEnabled()) {
        throw new NativeRuntimeException("ONNX Runtime " + runtime.environment.getVersion() + " in " + directory
            + " is built without the training APIs. Use the library of org.bytedeco:onnxruntime 1.28 or newer, and "
            + "call NativeRuntime.load() before anything else uses ai.onnxruntime.");
      }
      LOG.info("{}", runtime);
      loaded = runtime;
    }
    return loaded;
  }

  private static Path libraries() {
    Platform platform = Platform.of(System.getProperty("os.name"), System.getProperty("os.arch"));
    String ready = System.getProperty(PATH_PROPERTY);
    if (ready == null) {
      return new NativeLibraryCache(cacheRoot(), NativeRuntime.class.getClassLoader()).directory(platform);
    }
    Path directory = Path.of(ready).toAbsolutePath();
    for (String file : List.of(platform.unversionedRuntimeLibrary(), platform.jniLibrary())) {
      if (!Files.exists(directory.resolve(file))) {
        throw new NativeRuntimeException("There is no " + file + " in " + directory + ", the folder that -D"
            + PATH_PROPERTY + " names. Put it there, or leave the property out.");
      }
    }
    return directory;
  }

  private static Path cacheRoot() {
    String configured = System.getProperty(CACHE_PROPERTY);
    return configured != null ? Path.of(configured).toAbsolutePath()
        : cacheRoot(System.getenv(), System.getProperty("user.home"));
  }

  /**
   * Where libraries go if nobody says so.
   *
   * @param userHome Java's idea of it; of a user that the system has no entry for, {@code ?}, whatever HOME says
   * @throws NativeRuntimeException if there is no such place, with what to do
   */
  static Path cacheRoot(Map<String, String> environment, String userHome) {
    String caches = environment.getOrDefault("XDG_CACHE_HOME", "");
    String home = environment.getOrDefault("HOME", "");
    if (home.isBlank() && userHome != null && !userHome.equals("?")) {
      home = userHome;
    }
    if (caches.isBlank() && home.isBlank()) {
      throw new NativeRuntimeException("There is no place for the native libraries: this user has no home. Set HOME or"
          + " XDG_CACHE_HOME, or name a folder with -D" + CACHE_PROPERTY + "=DIR.");
    }
    return (caches.isBlank() ? Path.of(home, ".cache") : Path.of(caches)).resolve("lethe").resolve("native")
        .toAbsolutePath();
  }

  private static OrtEnvironment environment(Path directory) {
    try {
      OrtEnvironment environment = sharedThreads > 0 ? sharing(sharedThreads)
          : OrtEnvironment.getEnvironment(OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR, NAME);
      environment.setTelemetry(false);
      return environment;
    } catch (LinkageError | IllegalStateException | OrtException e) {
      Throwable cause = e instanceof ExceptionInInitializerError && e.getCause() != null ? e.getCause() : e;
      throw new NativeRuntimeException("ONNX Runtime does not load from " + directory + ": " + cause.getMessage()
          + ". The folder must allow execution, and the library and its JNI library must be of one version.", e);
    }
  }

  private static OrtEnvironment sharing(int threads) throws OrtException {
    try (OrtEnvironment.ThreadingOptions pool = new OrtEnvironment.ThreadingOptions()) {
      pool.setGlobalIntraOpNumThreads(threads);
      pool.setGlobalInterOpNumThreads(1);
      pool.setGlobalSpinControl(false);
      return OrtEnvironment.getEnvironment(OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR, NAME, pool);
    }
  }

  /** The one environment of this process; it is never closed. */
  public OrtEnvironment environment() {
    return environment;
  }

  /** For example {@code 1.28.0}. */
  public String version() {
    return environment.getVersion();
  }

  /** The execution providers that the library is built with. That CUDA is among them does not mean there is a GPU. */
  public Set<OrtProvider> providers() {
    return EnumSet.copyOf(providers);
  }

  /** Where the native libraries were loaded from. */
  public Path directory() {
    return directory;
  }

  /**
   * Options for a session; the caller closes them once the session is there.
   *
   * @throws NativeRuntimeException if the device cannot be used, with what to do
   */
  public OrtSession.SessionOptions sessionOptions(Compute compute) {
    OrtSession.SessionOptions options = new OrtSession.SessionOptions();
    try {
      options.setExecutionMode(OrtSession.SessionOptions.ExecutionMode.SEQUENTIAL);
      if (sharesThreads) {
        options.disablePerSessionThreads();
      } else {
        options.setIntraOpNumThreads(compute.threads());
      }
      options.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR);
      if (compute.device() instanceof ExecutionDevice.Cuda cuda) {
        addCuda(options, cuda);
      }
      return options;
    } catch (OrtException e) {
      options.close();
      throw new NativeRuntimeException("ONNX Runtime refuses the session options: " + e.getMessage(), e);
    } catch (RuntimeException e) {
      options.close();
      throw e;
    }
  }

  private void addCuda(OrtSession.SessionOptions options, ExecutionDevice.Cuda cuda) {
    if (!providers.contains(OrtProvider.CUDA)) {
      throw new NativeRuntimeException("Device " + cuda + " was asked for, but this ONNX Runtime is built without"
          + " CUDA (" + this + "). Build with the Maven profile cuda (mvn -Pcuda, LETHE_CUDA=1 ./lethe ...), on"
          + " linux-x86_64, use the device cpu, or let it take the GPU's place with the option fallback=cpu.");
    }
    try (OrtCUDAProviderOptions provider = new OrtCUDAProviderOptions(cuda.id())) {
      for (Map.Entry<String, String> option : cuda.options().providerOptions().entrySet()) {
        provider.add(option.getKey(), option.getValue());
      }
      options.addCUDA(provider);
    } catch (OrtException e) {
      throw unusable(cuda, e.getMessage(), e);
    }
  }

  private static NativeRuntimeException unusable(ExecutionDevice.Cuda cuda, String why, Exception cause) {
    return new NativeRuntimeException("Device " + cuda + " cannot be used: " + why + ". It needs an NVIDIA"
        + " GPU of that number with its driver (nvidia-smi lists them), enough free memory, and the CUDA 13 and cuDNN 9"
        + " libraries where the loader finds them (LD_LIBRARY_PATH). Or use the device cpu, or let it take the GPU's"
        + " place with the option fallback=cpu.", cause);
  }

  /**
   * The device that sessions should be opened on: this one, or the processor if this one cannot be used and may be
   * replaced, with a warning in the log. A GPU is tried with a small convolution, which takes its time, so ask once in
   * a process, before models are loaded.
   *
   * @throws NativeRuntimeException if the device cannot be used and nothing may take its place, with what to do
   */
  public ExecutionDevice usable(ExecutionDevice device) {
    if (!(device instanceof ExecutionDevice.Cuda cuda)) {
      return device;
    }
    try {
      tryOut(cuda);
      return cuda;
    } catch (NativeRuntimeException e) {
      if (!cuda.fallback()) {
        throw e;
      }
      LOG.warn("the CPU takes the place of the GPU, as {} allows: {}", cuda, e.getMessage());
      return ExecutionDevice.CPU;
    }
  }

  /** ONNX Runtime looks for the GPU when a session is made, and for cuDNN when it convolves. */
  private void tryOut(ExecutionDevice.Cuda cuda) {
    Graph g = new Graph("device");
    Value x = g.input("x", 1, 4, 8, 8);
    g.output("y", Ops.conv(x, g.constant(Tensor.zeros(4, 4, 3, 3)), Ops.Window.same(3)));
    try (InferenceSession session = InferenceSession.open(OnnxWriter.inference(g, Map.of()), new Compute(cuda, 1))) {
      session.run(Map.of("x", Tensor.zeros(1, 4, 8, 8)));
    } catch (InferenceException e) {
      throw unusable(cuda, e.getMessage(), e);
    }
  }

  /** One line: version, training, providers, and where it was loaded from. */
  @Override
  public String toString() {
    return "ONNX Runtime " + version() + ", training " + (environment.isTrainingEnabled() ? "yes" : "no")
        + ", providers " + providers.stream().map(OrtProvider::getName).toList() + ", from " + directory;
  }
}
