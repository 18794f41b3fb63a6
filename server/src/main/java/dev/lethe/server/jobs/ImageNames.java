package dev.lethe.server.jobs;

import dev.lethe.v1.Job;
import dev.lethe.v1.JobChange;
import dev.lethe.v1.WorkerJob;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a client calls its images: names of files, which may well be names of people. While a job runs they make its
 * messages readable; of one that has ended, images are told by their place in the request alone.
 */
public final class ImageNames {

  private final Map<Pattern, String> places = new LinkedHashMap<>();

  private ImageNames() {}

  public static ImageNames of(WorkerJob work) {
    ImageNames names = new ImageNames();
    for (int i = 0; i < work.getUnlearnNamesCount(); i++) {
      String place = "unlearn images[" + (i < work.getUnlearnIndicesCount() ? work.getUnlearnIndices(i) : i) + "]";
      if (!work.getUnlearnNames(i).equals(place)) {
        names.places.put(Pattern.compile("(?<!\\w)" + Pattern.quote(work.getUnlearnNames(i)) + "(?!\\w)"), place);
      }
    }
    return names;
  }

  /** A text with places for names. */
  public String without(String text) {
    String changed = text;
    for (Map.Entry<Pattern, String> place : places.entrySet()) {
      changed = place.getKey().matcher(changed).replaceAll(Matcher.quoteReplacement(place.getValue()));
    }
    return changed;
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
  public static JobRecord without(JobRecord record) {
    return new JobRecord(of(record.work()).without(record.job()), record.work().toBuilder().clearUnlearnNames().build(),
        record.intent(), record.request(), record.sealedKey());
  }
}
