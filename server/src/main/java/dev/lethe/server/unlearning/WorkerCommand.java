package dev.lethe.server.unlearning;

import dev.lethe.job.JobContract;
import dev.lethe.models.runtime.ExecutionDevice;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/**
 * The program that carries out jobs.
 *
 * @param words program and arguments; the job's directory follows as the last
 * @param device where it trains; told by the variable {@value #DEVICE_VARIABLE} of its environment, where the
 *     key of the job's images is, too, as {@value JobContract#KEY_VARIABLE}
 */
public record WorkerCommand(List<String> words, ExecutionDevice device) {

  private static final String DEVICE_VARIABLE = "LETHE_WORKER_DEVICE";
  // Letters are taken in runs: a class path has thousands, and each turn of the group takes stack.
  private static final Pattern WORD = Pattern.compile("(?:[^\\s\"]++|\"[^\"]*+\")+");

  public WorkerCommand {
    words = List.copyOf(words);
    if (words.isEmpty()) {
      throw new IllegalArgumentException("the worker command is empty");
    }
  }

  /** A program that trains on the processor. */
  public WorkerCommand(List<String> words) {
    this(words, ExecutionDevice.CPU);
  }

  /** The same program on another device. */
  public WorkerCommand on(ExecutionDevice other) {
    return new WorkerCommand(words, other);
  }

  /** Takes a command line apart at blanks; what stands between double quotes stays together. */
  public static WorkerCommand parse(String line) {
    return new WorkerCommand(WORD.matcher(line).results()
        .map(MatchResult::group).map(word -> word.replace("\"", "")).toList());
  }

  /**
   * The process that carries out the job in a directory.
   *
   * @param imageKey of the images that lie there
   */
  public ProcessBuilder forDirectory(Path directory, Optional<byte[]> imageKey) {
    List<String> all = new ArrayList<>(words);
    all.add(directory.toString());
    ProcessBuilder process = new ProcessBuilder(all);
    process.environment().put(DEVICE_VARIABLE, device.toString());
    // Neither file nor command line: those can be read by others, or stay behind.
    imageKey.ifPresent(key -> process.environment().put(JobContract.KEY_VARIABLE, HexFormat.of().formatHex(key)));
    return process;
  }
}
