package dev.lethe.models.runtime;

/**
 * Where the graphs of a session run. Its text form, which {@link #parse} reads and {@code toString} gives, is {@code
 * cpu}, or {@code cuda:ID} with options after commas, such as {@code cuda:1,memory-limit=8192,fallback=cpu}.
 */
public sealed interface ExecutionDevice {

  /** What {@link #parse} reads, for the help of options. */
  String SYNTAX = "cpu, cuda or cuda:ID; after it, with commas between: memory-limit=MIB of each session (0: none),"
      + " arena=power-of-two|exact, conv-search=heuristic|exhaustive|default, tf32=true|false, fallback=none|cpu";

  /** The processor. */
  ExecutionDevice CPU = new Cpu();

  /** The processor; take {@link #CPU}. */
  record Cpu() implements ExecutionDevice {
    @Override
    public String toString() {
      return "cpu";
    }
  }

  /**
   * An NVIDIA GPU.
   *
   * @param fallback whether the processor may take its place where it cannot be used, see {@link NativeRuntime#usable}
   */
  record Cuda(CudaOptions options, boolean fallback) implements ExecutionDevice {

    /** The GPU of this number, with the options that suit most, and nothing in its place. */
    public Cuda(int id) {
      this(CudaOptions.of(id), false);
    }

    /** CUDA device number, from 0. */
    public int id() {
      return options.device();
    }

    @Override
    public String toString() {
      return DeviceText.write(this);
    }
  }

  /**
   * Reads the text form; what it leaves out is as {@link CudaOptions#of} and without fallback. Letter case does not
   * matter.
   *
   * @throws InvalidDeviceException for any other text, with all its mistakes
   */
  static ExecutionDevice parse(String text) {
    return DeviceText.read(text);
  }
}
