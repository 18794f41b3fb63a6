package dev.lethe.trainer.device;

import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.models.runtime.InvalidDeviceException;
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
   * The device, tried out: see {@link NativeRuntime#usable}.
   *
   * @throws ParameterException if the text names none, or the device cannot be used
   */
  public ExecutionDevice device() {
    try {
      return NativeRuntime.load().usable(ExecutionDevice.parse(text));
    } catch (InvalidDeviceException | NativeRuntimeException e) {
      throw new ParameterException(command.commandLine(), e.getMessage(), e);
    }
  }
}
