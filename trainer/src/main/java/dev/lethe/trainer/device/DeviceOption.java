package dev.lethe.trainer.device;

import dev.lethe.models.runtime.Compute;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.models.runtime.NativeRuntime;
import dev.lethe.models.runtime.NativeRuntimeException;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The option {@code --device} of every command that trains or measures. */
public final class DeviceOption {

  @Option(names = "--device", defaultValue = "cpu", description = "Where it runs: " + ExecutionDevice.SYNTAX + ".")
  private String text;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  /**
   * The device, tried out, see {@link NativeRuntime#usable}, with so many threads.
   *
   * @param threads as {@link Compute} takes them
   * @throws ParameterException if the text names no device, or the device cannot be used, or the threads are none
   */
  public Compute compute(int threads) {
    try {
      return new Compute(NativeRuntime.load().usable(ExecutionDevice.parse(text)), threads);
    } catch (NativeRuntimeException | IllegalArgumentException e) {
      throw new ParameterException(command.commandLine(), e.getMessage(), e);
    }
  }
}
