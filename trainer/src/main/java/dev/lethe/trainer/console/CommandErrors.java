package dev.lethe.trainer.console;

import dev.lethe.models.runtime.InferenceSession.InferenceException;
import dev.lethe.models.runtime.NativeRuntimeException;
import dev.lethe.trainer.adversarial.AdversarialTrainer.DivergedException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.Set;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * How commands report errors: foreseen ones in one line that starts with {@code lethe:}, a defect with its stack trace.
 * Exit code 1 for what failed, 2 for wrong options.
 */
public final class CommandErrors {

  private CommandErrors() {}

  public static CommandLine report(CommandLine line) {
    return report(line, Set.of());
  }

  /** @param foreseen further exceptions whose message is all that there is to say */
  public static CommandLine report(CommandLine line, Set<Class<? extends Exception>> foreseen) {
    return line
        .setExecutionExceptionHandler((error, command, parsed) -> {
          command.getErr().println("lethe: "
              + (foreseen.stream().anyMatch(kind -> kind.isInstance(error)) ? error.getMessage() : message(error)));
          return command.getCommandSpec().exitCodeOnExecutionException();
        })
        .setParameterExceptionHandler(CommandErrors::wrongUsage);
  }

  private static String message(Exception error) throws Exception {
    if (error instanceof FileSystemException file && file.getReason() == null && file.getOtherFile() == null) {
      // Their message is the path alone; the class says what is wrong with it.
      return file.getFile() + ": " + (file instanceof NoSuchFileException ? "there is no such file or folder"
          : file instanceof AccessDeniedException ? "may not be read or written"
          : file.getClass().getSimpleName().replaceAll("Exception$", "").replaceAll("(?<=[a-z])(?=[A-Z])", " "));
    }
    if (error instanceof IOException || error instanceof DivergedException || error instanceof InferenceException
        || error instanceof NativeRuntimeException) {
      return error.getMessage();
    }
    throw error;
  }

  private static int wrongUsage(ParameterException wrong, String[] arguments) {
    CommandLine command = wrong.getCommandLine();
    command.getErr().println("lethe: " + wrong.getMessage());
    if (!UnmatchedArgumentException.printSuggestions(wrong, command.getErr())) {
      command.getErr().println("Try '" + command.getCommandSpec().qualifiedName() + " --help'.");
    }
    return command.getCommandSpec().exitCodeOnInvalidInput();
  }
}
