package dev.lethe.server.jobs;

import dev.lethe.v1.Job;
import dev.lethe.v1.JobChange;
import dev.lethe.v1.WorkerJob;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * What a client calls its images: names of files, which may well be names of people. While a job runs they make its
 * messages readable; of one that has ended, images are told by their place in the request alone.
 */
public final class ImageNames {

  private final Map<String, String> places = new HashMap<>();
  private final Pattern names;

  private ImageNames(WorkerJob work) {
    for (int i = 0; i < work.getUnlearnNamesCount(); i++) {
      String place = "unlearn images[" + (i < work.getUnlearnIndicesCount() ? work.getUnlearnIndices(i) : i) + "]";
      if (!work.getUnlearnNames(i).equals(place)) {
        places.putIfAbsent(work.getUnlearnNames(i), place);
      }
    }
    // All at once, the longest first: a name may be the end of another one, or of what has taken its place.
    this.names = Pattern.compile(places.keySet().stream()
        .sorted(Comparator.comparingInt(String::length).reversed()).map(Pattern::quote)
        .collect(Collectors.joining("|", "(?<!\\w)(?:", ")(?!\\w)")));
  }

  public static ImageNames of(WorkerJob work) {
    return new ImageNames(work);
  }

  /** A text with places for names. */
  public String without(String text) {
    return places.isEmpty() ? text : names.matcher(text)
        .replaceAll(name -> Matcher.quoteReplacement(places.get(name.group())));
  }

  /** A job whose messages have places for names. */
  public Job without(Job job) {
    if (places.isEmpty()) {
      return job;
    }
    Job.Builder changed = job.toBuilder().setMessage(without(job.getMessage()));
    for (JobChange.Builder change : changed.getChangesBuilderList()) {
      change.setCause(without(change.getCause()));
    }
    return changed.build();
  }

  /** A job as it is kept once its images are gone. */
  static JobRecord without(JobRecord record) {
    return new JobRecord(of(record.work()).without(record.job()), record.work().toBuilder().clearUnlearnNames().build(),
        record.intent(), record.request(), record.sealedKey());
  }
}
