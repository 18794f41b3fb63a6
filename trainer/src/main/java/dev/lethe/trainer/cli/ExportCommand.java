package dev.lethe.trainer.cli;

import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.stylegan2.imports.ModelExport;
import dev.lethe.trainer.console.CommandErrors;
import dev.lethe.trainer.console.OutPath;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lethe export}. */
@Command(name = "lethe export", mixinStandardHelpOptions = true, sortOptions = false, showDefaultValues = true,
    description = "Writes a bundle's weights as one file, which 'lethe import' reads again, bit for bit.")
public final class ExportCommand implements Callable<Integer> {

  /** Ways to write weights. */
  enum Format {
    SAFETENSORS("safetensors", List.of(".safetensors")),
    PYTORCH_STATE_DICT("pytorch-state-dict", List.of(".pt", ".pth", ".bin"));

    private final String option;
    private final List<String> extensions;

    Format(String option, List<String> extensions) {
      this.option = option;
      this.extensions = extensions;
    }

    @Override
    public String toString() {
      return option;
    }
  }

  @Spec
  private CommandSpec spec;

  @Parameters(paramLabel = "BUNDLE", description = "A model version: a folder with model.json.")
  private Path directory;

  @Option(names = "--format", defaultValue = "safetensors", paramLabel = "FORMAT",
      description =
          "safetensors, or pytorch-state-dict: what torch.load reads, a dictionary whose G and D the reference's "
          + "networks load.")
  private Format format;

  @Option(names = "--out", required = true, paramLabel = "FILE", description = "Where it goes.")
  private Path out;

  public static void main(String[] arguments) {
    System.exit(commandLine().execute(arguments));
  }

  /** With its options, and how it reports errors. */
  public static CommandLine commandLine() {
    CommandLine line = new CommandLine(new ExportCommand());
    line.registerConverter(Format.class, text -> {
      for (Format format : Format.values()) {
        if (format.option.equals(text)) {
          return format;
        }
      }
      throw new CommandLine.TypeConversionException("\"" + text + "\" (expected: safetensors or pytorch-state-dict)");
    });
    return CommandErrors.report(line);
  }

  @Override
  public Integer call() throws IOException {
    OutPath.requireFile(spec, "--out", out, format.extensions);
    if (Files.exists(out)) {
      throw new IOException(out + " exists already");
    }
    Bundle bundle = Bundle.open(directory);
    bundle.verify();
    if (!ModelCard.STYLEGAN2.equals(bundle.card().architecture())) {
      throw new ParameterException(spec.commandLine(), directory + " is of architecture " + bundle.card().architecture()
          + "; weights are exported of " + ModelCard.STYLEGAN2);
    }
    try {
      if (format == Format.SAFETENSORS) {
        ModelExport.safetensors(bundle, out);
      } else {
        ModelExport.stateDict(bundle, out);
      }
    } catch (FileAlreadyExistsException e) {
      throw new IOException(out + " exists already", e);
    }
    PrintWriter print = spec.commandLine().getOut();
    print.println("wrote " + out + ", " + Files.size(out) + " bytes");
    print.flush();
    return 0;
  }
}
