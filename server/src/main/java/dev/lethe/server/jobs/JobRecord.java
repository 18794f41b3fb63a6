package dev.lethe.server.jobs;

import dev.lethe.v1.Job;
import dev.lethe.v1.WorkerJob;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * A job as it is kept.
 *
 * @param job what clients are told of it; progress is kept with its end alone
 * @param work what a worker is told
 * @param intent what is to become of its candidate, once that is decided
 * @param request a digest of what was asked for
 * @param sealedKey of its images, as the server's key opens it; empty once they are deleted
 */
public record JobRecord(Job job, WorkerJob work, Intent intent, String request, String sealedKey) {

  /**
   * What a take-over does, written down before the first step of it, so that it can be carried on by whoever finds it.
   */
  public enum Intent {
    /** Not decided yet. */
    NONE,
    /** The candidate becomes the active version, unless another version was activated in place of its base. */
    PROMOTE,
    /** The candidate becomes a version, and an operator decides. */
    ASK,
    /** The candidate becomes a version and stays one, as the request asked. */
    KEEP,
    /** The candidate becomes a version and stays one, since a gate refused it. */
    REJECT
  }

  /**
   * Of all commitments to a job's images, in their order, those to images that were unlearned: a run may leave out what
   * its model cannot draw.
   */
  public List<Commitment> unlearned(List<Commitment> all) {
    Set<Integer> leftOut = Set.copyOf(job.getReport().getSkippedImagesList());
    return IntStream.range(0, all.size())
        .filter(i -> i >= work.getUnlearnIndicesCount() || !leftOut.contains(work.getUnlearnIndices(i)))
        .mapToObj(all::get).toList();
  }

  /** The same without the key of its images, and without what its client called them: nobody reads them any more. */
  public JobRecord withoutKey() {
    JobRecord nameless = ImageNames.without(this);
    return new JobRecord(nameless.job, nameless.work, intent, request, "");
  }

  /** The same with another job. */
  public JobRecord with(Job changed) {
    return new JobRecord(changed, work, intent, request, sealedKey);
  }

  /** The same with another job and intent. */
  public JobRecord with(Job changed, Intent decided) {
    return new JobRecord(changed, work, decided, request, sealedKey);
  }
}
