package dev.lethe.models.runtime;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * How ONNX Runtime uses an NVIDIA GPU, for serving and for training alike.
 *
 * <p>CUDA graphs are not among the options: a captured graph replays on the addresses of its first run, so it needs
 * inputs bound to GPU memory, which ONNX Runtime's Java API cannot do. Without that every later run would silently give
 * the first run's images.
 *
 * @param device CUDA device number, from 0
 * @param memoryLimitMib most memory that one session's arena takes, in MiB; 0 for no limit. cuDNN's workspace and
 *     CUDA's own context come on top
 * @param arena how an arena grows that is used up
 * @param convSearch how cuDNN's algorithm for a convolution is chosen
 * @param tf32 whether float products may be of TF32's 10 bits of mantissa, on GPUs that have it (Ampere and later)
 */
public record CudaOptions(int device, long memoryLimitMib, ArenaGrowth arena, ConvSearch convSearch, boolean tf32) {

  /** Largest memory limit, in MiB: 1 TiB. */
  static final long LARGEST_LIMIT_MIB = 1 << 20;

  /** How the arena of GPU memory grows. */
  public enum ArenaGrowth {
    /** At least twofold each time: few allocations, up to twice the memory. */
    POWER_OF_TWO("kNextPowerOfTwo"),
    /** By what is asked for: no more memory than needed, more allocations. */
    EXACT("kSameAsRequested");

    private final String onnxRuntime;

    ArenaGrowth(String onnxRuntime) {
      this.onnxRuntime = onnxRuntime;
    }
  }

  /** How an algorithm is found for each convolution and shape. */
  public enum ConvSearch {
    /** By cuDNN's rule of thumb. */
    HEURISTIC,
    /** By trying all: the fastest runs, and minutes before the first of each shape of a large model. */
    EXHAUSTIVE,
    /** The one that is always there. */
    DEFAULT
  }

  public CudaOptions {
    if (device < 0) {
      throw new IllegalArgumentException("CUDA device " + device + ": device numbers start at 0.");
    }
    if (memoryLimitMib < 0 || memoryLimitMib > LARGEST_LIMIT_MIB) {
      throw new IllegalArgumentException("The memory limit is " + memoryLimitMib + " MiB: use 0 for none, or up to "
          + LARGEST_LIMIT_MIB + ".");
    }
  }

  /** No memory limit, arenas that double, cuDNN's heuristic, TF32: what suits a GPU that nobody else uses. */
  public static CudaOptions of(int device) {
    // Exhaustive search, ONNX Runtime's own default, takes minutes at the first step of a training graph.
    return new CudaOptions(device, 0, ArenaGrowth.POWER_OF_TWO, ConvSearch.HEURISTIC, true);
  }

  /** By the names of ONNX Runtime's CUDA provider, without {@code device_id}; what is left to it is not there. */
  Map<String, String> providerOptions() {
    Map<String, String> options = new LinkedHashMap<>();
    if (memoryLimitMib > 0) {
      options.put("gpu_mem_limit", Long.toString(memoryLimitMib << 20));
    }
    options.put("arena_extend_strategy", arena.onnxRuntime);
    options.put("cudnn_conv_algo_search", convSearch.name());
    options.put("use_tf32", tf32 ? "1" : "0");
    return options;
  }
}
