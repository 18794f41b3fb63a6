package dev.lethe.server.unlearning;

import com.google.protobuf.util.Timestamps;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.server.lifecycle.Signatory;
import dev.lethe.server.monitoring.ServerMetrics;
import dev.lethe.server.registry.ModelRegistry;
import dev.lethe.server.registry.ModelRepository;
import dev.lethe.server.registry.ServedModel;
import dev.lethe.server.registry.VersionName;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobState;
import dev.lethe.v1.Progress;
import dev.lethe.v1.WorkerEvent;
import dev.lethe.v1.WorkerJob;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.concurrent.ExecutionException;

/** Carries out one job: worker, checks of its candidate, promotion. Blocks; runs on the queue's thread. */
final class JobRun {

  private final TrackedJob tracked;
  private final ModelRegistry registry;
  private final WorkerCommand command;
  private final Duration patience;
  private final ServerMetrics metrics;
  private boolean done;
  private String workersOwnReason;

  /** @param patience between asking a worker to end and ending it */
  JobRun(TrackedJob tracked, ModelRegistry registry, WorkerCommand command, Duration patience, ServerMetrics metrics) {
    this.tracked = tracked;
    this.registry = registry;
    this.command = command;
    this.patience = patience;
    this.metrics = metrics;
  }

  /** A job that cannot be carried out; the message is the job's. */
  private static final class JobFailedException extends Exception {
    private static final long serialVersionUID = 1;

    JobFailedException(String message, Throwable cause) {
      super(message, cause);
    }
  }

  /** Brings the job to its end, whatever happens. */
  void run() {
    try {
      WorkerJob work = prepare();
      if (TrackedJob.hasEnded(tracked.job())) {
        return;
      }
      work(work);
      if (tracked.pointOfNoReturn()) {
        takeOver(work);
      } else {
        tracked.finishStopped();
      }
    } catch (JobFailedException | RuntimeException | IOException e) {
      if (!tracked.finishStopped()) {
        fail(e.getMessage() == null ? e.toString() : e.getMessage());
      }
    } catch (InterruptedException e) {
      fail("the server was stopped while the job ran; submit it again");
      Thread.currentThread().interrupt();
    } finally {
      metrics.progress(0);
    }
  }

  /** Fixes the base only now, so that a job builds upon what the one before it in the queue has unlearned. */
  private WorkerJob prepare() throws IOException, JobFailedException {
    WorkerJob submitted = tracked.directory().workerJob();
    ServedModel model = model();
    ModelRepository repository = registry.repository();
    NavigableMap<String, Bundle> versions = repository.versions(model.name());
    String active = model.activeVersion().orElseThrow(
        () -> new JobFailedException("model " + model.name() + " was unloaded before the job's turn came", null));
    Bundle base = versions.get(active);
    if (base == null) {
      throw new JobFailedException("the active version " + active + " is not on disk any more", null);
    }
    WorkerJob work = submitted.toBuilder()
        .setBaseBundle(base.directory().toString())
        .setRootBundle(root(base, versions).directory().toString())
        .setNewVersion(VersionName.next(base.card().version(), repository.taken(model.name())))
        .build();
    tracked.directory().write(work);
    tracked.update(job -> job
        .setState(JobState.JOB_STATE_RUNNING)
        .setStarted(Timestamps.now())
        .setBaseVersion(base.card().version()));
    return work;
  }

  /** The version that a base comes from which no unlearning has touched, or the oldest of those that are there. */
  private static Bundle root(Bundle base, Map<String, Bundle> versions) {
    Bundle root = base;
    while (root.card().parentVersion() != null && versions.containsKey(root.card().parentVersion())) {
      root = versions.get(root.card().parentVersion());
    }
    return root;
  }

  private ServedModel model() throws JobFailedException {
    try {
      return registry.model(tracked.job().getSpec().getModel());
    } catch (StatusRuntimeException e) {
      throw new JobFailedException(e.getStatus().getDescription(), e);
    }
  }

  private void work(WorkerJob work) throws IOException, InterruptedException, JobFailedException {
    WorkerProcess worker;
    try {
      worker = WorkerProcess.start(command, tracked.directory());
    } catch (IOException e) {
      throw new JobFailedException("the worker cannot be started: " + e.getMessage(), e);
    }
    tracked.workerStarted(worker, patience);
    worker.run(this::event);
    if (!worker.succeeded() || !done) {
      throw new JobFailedException(failure(worker), null);
    }
  }

  private void event(WorkerEvent event) {
    switch (event.getEventCase()) {
      case PROGRESS -> {
        metrics.progress(event.getProgress().getFraction());
        tracked.update(job -> job.setProgress(event.getProgress()));
      }
      case REPORT -> tracked.update(job -> job.setReport(event.getReport()));
      case DONE -> done = true;
      case FAILURE -> workersOwnReason = event.getFailure().getMessage();
      case EVENT_NOT_SET -> { }
    }
  }

  private String failure(WorkerProcess worker) throws IOException {
    StringBuilder reason = new StringBuilder();
    if (workersOwnReason != null) {
      reason.append(workersOwnReason).append(" (the worker ").append(worker.end()).append(")");
    } else {
      reason.append("the worker ").append(worker.end());
      if (worker.succeeded()) {
        reason.append(" without having said that it was done");
      }
    }
    String log = tracked.directory().endOfLog();
    if (!log.isEmpty()) {
      reason.append("\nThe end of its log:\n").append(log);
    }
    return reason.toString();
  }

  private void takeOver(WorkerJob work) throws IOException, InterruptedException, JobFailedException {
    Job job = tracked.job();
    Bundle candidate = candidate(work, job);
    List<String> reasons = new ArrayList<>();
    if (job.getSpec().getKeepAsCandidate()) {
      reasons.add("the request asked to keep it as a candidate");
    }
    reasons.addAll(PromotionGates.failures(job.getSpec().getGates(), job.getReport()));
    ServedModel model = model();
    Signatory.keepReport(candidate, job.toBuilder().setNewVersion(work.getNewVersion()).build());
    boolean promote = reasons.isEmpty();
    boolean promoted;
    try {
      promoted = model.install(candidate, promote ? job.getBaseVersion() : null)
          .toCompletionStage().toCompletableFuture().get();
    } catch (ExecutionException e) {
      throw new JobFailedException("the candidate was refused: "
          + (e.getCause() instanceof StatusRuntimeException status ? status.getStatus().getDescription()
              : e.getCause().toString()), e);
    }
    if (promote && !promoted) {
      reasons.add(model.activeVersion().map(other -> "version " + other + " was activated in place of ")
          .orElse("the model was unloaded, and with it ") + job.getBaseVersion() + " while the job ran");
    }
    tracked.update(end -> end
        .setState(JobState.JOB_STATE_SUCCEEDED)
        .setNewVersion(work.getNewVersion())
        .setPromoted(promoted)
        .setMessage(promoted ? "" : "not promoted: " + String.join("; ", reasons))
        .setProgress(finished(end.getProgress()))
        .setEnded(Timestamps.now()));
  }

  private static Progress finished(Progress last) {
    return last.toBuilder().setFraction(1).setSecondsLeft(0).build();
  }

  private Bundle candidate(WorkerJob work, Job job) throws JobFailedException {
    Bundle candidate;
    try {
      candidate = Bundle.open(tracked.directory().candidate());
    } catch (IOException e) {
      throw new JobFailedException("the worker left no candidate: " + e.getMessage(), e);
    }
    if (!candidate.card().name().equals(job.getSpec().getModel())
        || !candidate.card().version().equals(work.getNewVersion())
        || !job.getBaseVersion().equals(candidate.card().parentVersion())) {
      throw new JobFailedException("the worker's candidate says that it is version " + candidate.card().version()
          + " of " + candidate.card().name() + ", made from " + candidate.card().parentVersion() + "; it should be "
          + work.getNewVersion() + " of " + job.getSpec().getModel() + ", made from " + job.getBaseVersion(), null);
    }
    return candidate;
  }

  private void fail(String reason) {
    tracked.update(job -> job
        .setState(JobState.JOB_STATE_FAILED)
        .setMessage(reason)
        .setEnded(Timestamps.now()));
  }
}
