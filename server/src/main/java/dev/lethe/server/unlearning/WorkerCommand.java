package dev.lethe.server.unlearning;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/**
 * The program that carries out jobs.
 *
 * @param words program and arguments; the job's directory follows as the last
 */
public record WorkerCommand(List<String> words) {

  private static final Pattern WORD = Pattern.compile("(?:[^\\s\"]|\"[^\"]*\")+");

  public WorkerCommand {
    words = List.copyOf(words);
    if (words.isEmpty()) {
      throw new IllegalArgumentException("the worker command is empty");
    }
  }

  /** Takes a command line apart at blanks; what stands between double quotes stays together. */
  public static WorkerCommand parse(String line) {
    return new WorkerCommand(WORD.matcher(line).results()
        .map(MatchResult::group).map(word -> word.replace("\"", "")).toList());
  }

  List<String> forJob(JobDirectory job) {
    List<String> all = new ArrayList<>(words);
    all.add(job.path().toString());
    return all;
  }
}
