package dev.lethe.server.unlearning;

import dev.lethe.server.errors.DomainException;
import dev.lethe.server.errors.DomainException.NotFound;
import dev.lethe.server.errors.DomainException.Precondition;
import dev.lethe.server.jobs.JobRecord;
import dev.lethe.server.jobs.JobStore;
import dev.lethe.server.registry.ClassLabels;
import dev.lethe.server.store.StoreException;
import dev.lethe.v1.Job;
import java.util.function.UnaryOperator;

/**
 * Changes of jobs by order. Blocks: not for event loops.
 *
 * @param changed is told of each
 */
record Orders(JobStore store, Runnable changed) {

  /**
   * Changes a job.
   *
   * @param change throws {@link IllegalStateException} with what speaks against it
   * @return the job as it is then
   * @throws DomainException NotFound; Precondition if something speaks against it; Unavailable if the database is gone
   */
  Job give(String id, UnaryOperator<JobRecord> change) {
    Job job;
    try {
      job = store.change(id, change).orElseThrow(() -> unknown(id)).job();
    } catch (IllegalStateException e) {
      throw new Precondition(e.getMessage());
    } catch (StoreException e) {
      throw e.error();
    }
    changed.run();
    return job;
  }

  static DomainException unknown(String id) {
    return new NotFound("job_id: there is no job " + ClassLabels.abbreviate(id));
  }
}
