package dev.lethe.server.unlearning;

import com.google.protobuf.util.Timestamps;
import dev.lethe.server.erasure.Approval;
import dev.lethe.server.errors.DomainException;
import dev.lethe.server.errors.DomainException.NotFound;
import dev.lethe.server.errors.DomainException.Precondition;
import dev.lethe.server.errors.DomainException.Unavailable;
import dev.lethe.server.jobs.JobRecord;
import dev.lethe.server.jobs.JobRecord.Intent;
import dev.lethe.server.jobs.JobStore;
import dev.lethe.server.jobs.Phases;
import dev.lethe.server.registry.ModelRegistry;
import dev.lethe.server.registry.ServedModel;
import dev.lethe.server.store.Database;
import dev.lethe.server.store.StoreException;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobChange;
import dev.lethe.v1.JobPhase;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What operators decide about candidates that await it. The promotion of one that is approved and the end of its job
 * are written down in one transaction, if the same approval still holds: a rejection comes before both or after both,
 * on whichever server of the database. What is approved and cannot be carried out at once is carried out later.
 *
 * <p>Blocks: not for event loops.
 */
final class Approvals {

  private static final Logger LOG = LoggerFactory.getLogger(Approvals.class);
  private static final String APPROVED = "approved";

  private final JobStore store;
  private final ModelRegistry registry;
  private final Orders orders;

  Approvals(JobStore store, ModelRegistry registry, Orders orders) {
    this.store = store;
    this.registry = registry;
    this.orders = orders;
  }

  /**
   * What is approved and was not carried out at once: its server failed or has ended, or its model was away.
   *
   * @param grace what was approved for less time than that is left to whoever is at it
   */
  List<Job> left(Duration grace) {
    Instant since = Instant.now().minus(grace);
    return store.approved().stream().map(JobRecord::job).filter(job -> !approval(job).time().isAfter(since)).toList();
  }

  /** Carries out an approval that failed before, here or on a server that has ended since. */
  void finishLater(Job approved) {
    try {
      finishApproved(approved.getId());
    } catch (DomainException | StoreException e) {
      LOG.warn("the approval of job {} is not carried out now; it is tried again if it still holds: {}",
          approved.getId(), e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * Promotes a candidate that awaits it. Blocks until it serves.
   *
   * @throws DomainException NotFound, of the model too; Precondition if it does not await approval, or another
   *     version was activated meanwhile; Unavailable if the database is gone, or the model unloaded: then what was
   *     approved is promoted later
   */
  Job approve(String id, String actor, String reason) throws IOException, InterruptedException {
    follow();
    orders.give(id, stored -> {
      requireAwaiting(stored);
      if (isApproved(stored)) {
        throw new IllegalStateException("job " + id + " is approved already, and promoted as soon as that can be done;"
            + " reject it to take that back");
      }
      if (!wasPromoted(stored.job())) {
        // An approval of what is not here would be nobody's to carry out.
        registry.model(stored.job().getSpec().getModel());
      }
      return stored.with(noted(stored.job(), actor, APPROVED + (reason.isEmpty() ? "" : ": " + reason)).toBuilder()
          .setMessage("approved; it is promoted as soon as that can be done").build(), Intent.PROMOTE);
    });
    return finishApproved(id);
  }

  private static boolean isApproved(JobRecord stored) {
    return stored.job().getPhase() == JobPhase.JOB_PHASE_AWAITING_APPROVAL && stored.intent() == Intent.PROMOTE;
  }

  /** Takes notice of what other servers have promoted. */
  private void follow() {
    try {
      registry.lifecycle().follow();
    } catch (StoreException e) {
      throw e.error();
    }
  }

  /**
   * What an operator has approved, to its end; done again if a server ended on the way.
   *
   * @throws DomainException Precondition if it is not approved any more; Unavailable if the database is gone or the
   *     model unloaded: then it is done again later
   */
  private Job finishApproved(String id) throws InterruptedException {
    try {
      follow();
      Job job = stored(id).job();
      // What was activated by order has nothing left to do but to be recorded, where its model is away.
      if (!wasPromoted(job) || JobRun.active(registry, job).isPresent()) {
        promoteApproved(registry.model(job.getSpec().getModel()), job);
      }
      return orders.give(id, stored -> stored.job().getPromoted() ? stored : promoted(stored));
    } catch (StoreException e) {
      throw e.error();
    }
  }

  private void promoteApproved(ServedModel model, Job job) throws InterruptedException {
    boolean promoted;
    try {
      promoted = model.promote(job.getNewVersion(), job.getBaseVersion(), approval(job),
          ending(job)).toCompletionStage().toCompletableFuture().get();
    } catch (ExecutionException e) {
      follow();
      if (stored(job.getId()).job().getPromoted()) {
        LOG.warn("job {} is promoted; what is left to do is done soon: {}", job.getId(), e.getCause().getMessage());
        return;
      }
      boolean refused = (e.getCause() instanceof Precondition || e.getCause() instanceof NotFound)
          && !TakeOver.isTakenLater(e);
      if (refused && !wasPromoted(job)) {
        giveBack(job, e.getCause().getMessage());
        throw (DomainException) e.getCause();
      }
      // It says nothing about the version.
      throw new Unavailable("job " + job.getId() + " is approved, and is promoted once it can be: "
          + e.getCause().getMessage(), e);
    }
    follow();
    // Somebody may have activated it by hand, and another after it.
    if (!promoted && !wasPromoted(job)) {
      String reason = model.notPromoted(job.getBaseVersion());
      giveBack(job, reason);
      throw new Precondition("job " + job.getId() + " is not promoted: " + reason + ", from which its"
          + " version is made; reject it and submit its images again");
    }
  }

  /**
   * The job's end in the transaction that writes the promotion down: a rejection comes before both or after both,
   * however long the promotion took, and on whichever server.
   */
  private Database.Work<JobRecord> ending(Job begun) {
    Database.Work<Optional<JobRecord>> change = store.changing(begun.getId(), stored -> {
      if (stored.job().getPromoted()) {
        throw new Precondition("job " + begun.getId() + " is promoted already");
      }
      if (!isSameApproval(begun, stored)) {
        throw new Precondition("job " + begun.getId() + " is not promoted: it is "
            + (isApproved(stored) ? "approved anew" : Phases.name(stored.job().getPhase())) + " by now");
      }
      return promoted(stored);
    });
    return connection -> change.run(connection).orElseThrow(() -> Orders.unknown(begun.getId()));
  }

  private static JobRecord promoted(JobRecord stored) {
    return stored.with(Phases.move(stored.job(), JobPhase.JOB_PHASE_PROMOTED, Phases.SERVER,
        "version " + stored.job().getNewVersion() + " serves", Instant.now()).toBuilder().setPromoted(true)
            .clearMessage().build());
  }

  private static boolean isSameApproval(Job begun, JobRecord stored) {
    return isApproved(stored) && approval(begun).equals(approval(stored.job()));
  }

  /** Who approved a job last, for the certificate of its version. */
  private static Approval approval(Job job) {
    return job.getChangesList().stream().filter(change -> change.getCause().startsWith(APPROVED))
        .reduce((first, last) -> last)
        .map(change -> new Approval(change.getActor(), change.getCause(), Instant.ofEpochSecond(
            change.getTime().getSeconds(), change.getTime().getNanos())))
        .orElseGet(Approval::gates);
  }

  private void giveBack(Job begun, String reason) {
    // Somebody may have decided otherwise meanwhile.
    orders.give(begun.getId(), stored -> isSameApproval(begun, stored)
        ? stored.with(noted(stored.job(), Phases.SERVER, "not promoted: " + reason).toBuilder()
            .setMessage("awaits the approval of an operator: it was approved, and not promoted: " + reason).build(),
            Intent.ASK) : stored);
  }

  /**
   * Leaves a candidate that awaits approval a candidate for good; also one that was approved, as long as its promotion
   * is not written down.
   *
   * @throws DomainException NotFound; Precondition if it does not await approval, or was activated by hand
   */
  Job reject(String id, String actor, String reason) {
    follow();
    Job rejected = orders.give(id, stored -> {
      requireAwaiting(stored);
      requireCandidate(stored);
      String cause = "rejected" + (reason.isEmpty() ? "" : ": " + reason);
      return stored.with(Phases.move(stored.job(), JobPhase.JOB_PHASE_REJECTED, actor, cause, Instant.now()).toBuilder()
          .setMessage("not promoted: " + cause).build(), Intent.REJECT);
    });
    withdraw(rejected);
    return rejected;
  }

  /**
   * An attempt to promote it that failed may have left a certificate.
   *
   * @return whether there is none now, as far as its model is here
   */
  boolean withdraw(Job rejected) {
    Optional<ServedModel> model = registry.find(rejected.getSpec().getModel());
    if (model.isEmpty()) {
      return true;
    }
    try {
      model.get().withdraw(rejected.getNewVersion()).toCompletionStage().toCompletableFuture().get();
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (DomainException | ExecutionException e) {
      LOG.warn("job {}: its version may still be certified, though it is not promoted, which is tried again: {}",
          rejected.getId(), e.getMessage());
    }
    return false;
  }

  private static void requireAwaiting(JobRecord stored) {
    Job job = stored.job();
    if (job.getPhase() != JobPhase.JOB_PHASE_AWAITING_APPROVAL) {
      throw new IllegalStateException("job " + job.getId() + " does not await approval: it is "
          + Phases.name(job.getPhase()));
    }
  }

  private void requireCandidate(JobRecord stored) {
    Job job = stored.job();
    if (wasPromoted(job)) {
      throw new IllegalStateException("job " + job.getId() + ": its version " + job.getNewVersion()
          + " is no candidate any more, since it was activated" + (isApproved(stored) ? "" : "; approve the job, which"
          + " records that"));
    }
  }

  private static Job noted(Job job, String actor, String cause) {
    return job.toBuilder().addChanges(JobChange.newBuilder().setPhase(job.getPhase()).setTime(Timestamps.now())
        .setActor(actor).setCause(cause)).build();
  }

  private JobRecord stored(String id) {
    return store.find(id).orElseThrow(() -> Orders.unknown(id));
  }

  /** Whether a job's version was promoted, by its job or by hand. */
  boolean wasPromoted(Job job) {
    return registry.lifecycle().of(job.getSpec().getModel()).wasPromoted(job.getNewVersion());
  }
}
