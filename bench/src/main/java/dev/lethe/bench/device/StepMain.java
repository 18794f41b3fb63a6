package dev.lethe.bench.device;

import dev.lethe.models.runtime.ExecutionDevice;
import java.nio.file.Path;

/**
 * The process of one step. Arguments: its name, the device, home, folder for work, and {@value #SMALL} for small
 * networks. Each row of results is a line of JSON on standard output.
 */
final class StepMain {

  static final String SMALL = "small";

  private StepMain() {}

  public static void main(String[] args) {
    boolean small = args.length > 4 && args[4].equals(SMALL);
    int status = 0;
    try {
      Step.valueOf(args[0]).measurement().run(new Setting(ExecutionDevice.parse(args[1]), Path.of(args[2]),
          Path.of(args[3]), small, row -> System.out.println(row.json())));
    } catch (Throwable e) {
      // Out of memory included: whatever ends a step on a device that nobody has tried is a result.
      e.printStackTrace();
      System.out.println(Figures.of(Figures.NOTE, "failed: " + e).json());
      status = 1;
    }
    // Threads of native libraries do not keep the process.
    System.exit(status);
  }
}
