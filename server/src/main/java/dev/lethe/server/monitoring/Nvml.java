package dev.lethe.server.monitoring;

import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.PointerByReference;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * NVIDIA's management library, which comes with the driver. GPUs are counted as {@code nvidia-smi} does, which is made
 * of it. Safe for many threads.
 */
final class Nvml implements AutoCloseable {

  /** The library's file, as the driver installs it; the name without a version comes with the CUDA toolkit only. */
  static final String LIBRARY = "libnvidia-ml.so.1";

  private static final int SUCCESS = 0;
  private static final int NOT_SUPPORTED = 3;
  private static final int NO_PERMISSION = 4;

  /** {@code nvmlMemory_v2_t}: a 32-bit version with padding, then total, reserved, free, used, each 64 bits. */
  private static final int MEMORY_WORDS = 5;
  private static final int TOTAL = 1;
  private static final int USED = 4;
  private static final long MEMORY_VERSION = MEMORY_WORDS * Long.BYTES | 2 << 24;

  private final Functions functions;

  /** Functions of {@code nvml.h}, by their names there; each but the last returns a code, 0 for success. */
  interface Functions extends Library {
    int nvmlInit_v2();

    int nvmlShutdown();

    int nvmlDeviceGetCount_v2(IntByReference count);

    int nvmlDeviceGetHandleByIndex_v2(int index, PointerByReference device);

    int nvmlDeviceGetMemoryInfo_v2(Pointer device, long[] memory);

    String nvmlErrorString(int code);
  }

  private Nvml(Functions functions) {
    this.functions = functions;
  }

  /**
   * Loads the library and starts it.
   *
   * @param library its name or path
   * @throws UnsatisfiedLinkError if there is none: no driver is installed
   * @throws IOException if it does not start: the driver does not run
   */
  static Nvml open(String library) throws IOException {
    Nvml nvml = new Nvml(Native.load(library, Functions.class));
    nvml.check("nvmlInit_v2", nvml.functions.nvmlInit_v2());
    return nvml;
  }

  /**
   * The memory of every GPU that tells it; one that is split into instances may not.
   *
   * @throws IOException if the driver does not answer, or a GPU is lost
   */
  List<GpuMemory.Reading> memory() throws IOException {
    IntByReference count = new IntByReference();
    check("nvmlDeviceGetCount_v2", functions.nvmlDeviceGetCount_v2(count));
    List<GpuMemory.Reading> readings = new ArrayList<>();
    for (int gpu = 0; gpu < count.getValue(); gpu++) {
      PointerByReference device = new PointerByReference();
      int found = functions.nvmlDeviceGetHandleByIndex_v2(gpu, device);
      if (found == NO_PERMISSION) {
        continue;
      }
      check("nvmlDeviceGetHandleByIndex_v2(" + gpu + ")", found);
      long[] memory = new long[MEMORY_WORDS];
      memory[0] = MEMORY_VERSION;
      int told = functions.nvmlDeviceGetMemoryInfo_v2(device.getValue(), memory);
      if (told == NOT_SUPPORTED || told == NO_PERMISSION) {
        continue;
      }
      check("nvmlDeviceGetMemoryInfo_v2(" + gpu + ")", told);
      readings.add(new GpuMemory.Reading(Integer.toString(gpu), memory[USED], memory[TOTAL]));
    }
    return readings;
  }

  private void check(String call, int code) throws IOException {
    if (code != SUCCESS) {
      throw new IOException(call + " failed with code " + code + ", " + functions.nvmlErrorString(code));
    }
  }

  @Override
  public void close() {
    functions.nvmlShutdown();
  }
}
