package dev.lethe.models.runtime;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Where the graphs of a session run. Its text form, which {@link #parse} reads, is {@code cpu} or {@code cuda:ID}. */
public sealed interface ExecutionDevice {

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
   * @param id its CUDA device number, from 0
   */
  record Cuda(int id) implements ExecutionDevice {
    public Cuda {
      if (id < 0) {
        throw new IllegalArgumentException("CUDA device " + id + ": device numbers start at 0.");
      }
    }

    @Override
    public String toString() {
      return "cuda:" + id;
    }
  }

  /**
   * Reads {@code cpu}, {@code cuda} (device 0) or {@code cuda:ID}; letter case does not matter.
   *
   * @throws IllegalArgumentException for any other text
   */
  static ExecutionDevice parse(String text) {
    String lower = text.strip().toLowerCase(Locale.ROOT);
    if (lower.equals("cpu")) {
      return CPU;
    }
    Matcher cuda = Pattern.compile("cuda(?::(\\d{1,4}))?").matcher(lower);
    if (!cuda.matches()) {
      throw new IllegalArgumentException("Unknown device \"" + text + "\": use cpu, cuda or cuda:ID.");
    }
    return new Cuda(cuda.group(1) == null ? 0 : Integer.parseInt(cuda.group(1)));
  }
}
