package dev.lethe.server.unlearning;

import com.google.protobuf.UnsafeByteOperations;
import dev.lethe.server.audit.AuditLog;
import dev.lethe.server.encryption.MasterKey;
import dev.lethe.server.errors.DomainException.PermissionDenied;
import dev.lethe.server.errors.DomainException.Precondition;
import dev.lethe.server.jobs.ImageNames;
import dev.lethe.server.jobs.JobRecord;
import dev.lethe.server.jobs.Phases;
import dev.lethe.server.monitoring.ServerMetrics;
import dev.lethe.server.registry.ModelRegistry;
import dev.lethe.server.rpc.Call;
import dev.lethe.server.rpc.RpcService;
import dev.lethe.server.security.Principal;
import dev.lethe.server.store.Database;
import dev.lethe.server.store.StoreException;
import dev.lethe.v1.ApproveJobRequest;
import dev.lethe.v1.CancelJobRequest;
import dev.lethe.v1.DeleteJobRequest;
import dev.lethe.v1.DeleteJobResponse;
import dev.lethe.v1.GetJobRequest;
import dev.lethe.v1.GetReportRequest;
import dev.lethe.v1.GetReportResponse;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobEvent;
import dev.lethe.v1.JobState;
import dev.lethe.v1.ListJobsRequest;
import dev.lethe.v1.ListJobsResponse;
import dev.lethe.v1.RejectJobRequest;
import dev.lethe.v1.RetryJobRequest;
import dev.lethe.v1.UnlearningServiceGrpc;
import dev.lethe.v1.WatchRequest;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.grpc.server.Service;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/** {@code lethe.v1.UnlearningService}. */
public final class UnlearningService {

  /** Most jobs in one answer. */
  private static final int LARGEST_PAGE = 1000;
  private static final int LONGEST_REASON = 1000;

  private final Background background;
  private final ModelRegistry registry;
  private final JobFolders folders;
  private final JobQueue queue;
  private final MasterKey key;
  private final String data;

  private UnlearningService(Background background, ModelRegistry registry, JobFolders folders, JobQueue queue,
      MasterKey key, String data) {
    this.background = background;
    this.registry = registry;
    this.folders = folders;
    this.queue = queue;
    this.key = key;
    this.data = data;
  }

  /**
   * Takes up the jobs of a database. Blocks.
   *
   * @param key opens the keys of their images
   * @param jobs where their files lie
   * @param data directory of the data set that workers are told of
   * @param alone whether no other server was at work on the directory when this one came
   * @throws IOException if the directory cannot be read and written
   */
  public static UnlearningService open(Vertx vertx, ModelRegistry registry, Database database, MasterKey key,
      Path jobs, JobQueue.Options options, Optional<Path> data, boolean alone, ServerMetrics metrics,
          AuditLog audit) throws IOException {
    JobFolders folders = new JobFolders(jobs);
    JobQueue queue = new JobQueue(database, key, folders, registry, options, metrics, audit);
    try {
      queue.recover(alone);
    } catch (StoreException e) {
      throw new IOException(e.getMessage(), e);
    }
    Background background = Background.of(vertx);
    if (queue.unavailable().isEmpty()) {
      background.run(new Rehearsal(registry, queue, key));
    }
    return new UnlearningService(background, registry, folders, queue, key,
        data.map(path -> path.toUri().toString()).orElse(""));
  }

  public JobQueue queue() {
    return queue;
  }

  public Service service(RpcService.Settings settings) {
    return RpcService.of(UnlearningServiceGrpc.getServiceDescriptor(), settings)
        .auditedStreaming(UnlearningServiceGrpc.getSubmitMethod(), UnlearnSpecs::subject,
            call -> new SubmitUpload(background, registry, folders, queue, key, data, call))
        .serverStreaming(UnlearningServiceGrpc.getWatchMethod(), this::watch)
        .unary(UnlearningServiceGrpc.getGetJobMethod(), this::getJob)
        .unary(UnlearningServiceGrpc.getListJobsMethod(), this::listJobs)
        .audited(UnlearningServiceGrpc.getCancelJobMethod(),
            (request, call) -> call.about("job_id", request.getJobId()), this::cancelJob)
        .audited(UnlearningServiceGrpc.getApproveJobMethod(),
            (request, call) -> call.about("job_id", request.getJobId()), this::approveJob)
        .audited(UnlearningServiceGrpc.getRejectJobMethod(),
            (request, call) -> call.about("job_id", request.getJobId()), this::rejectJob)
        .audited(UnlearningServiceGrpc.getRetryJobMethod(),
            (request, call) -> call.about("job_id", request.getJobId()), this::retryJob)
        .audited(UnlearningServiceGrpc.getDeleteJobMethod(),
            (request, call) -> call.about("job_id", request.getJobId()), this::deleteJob)
        .unary(UnlearningServiceGrpc.getGetReportMethod(), this::getReport)
        .build();
  }

  private Future<Job> getJob(GetJobRequest request, Call<Job> call) {
    return background.ask(() -> queue.withPosition(shown(queue.job(request.getJobId()), call)));
  }

  private Future<ListJobsResponse> listJobs(ListJobsRequest request, Call<ListJobsResponse> call) {
    int size = request.getPageSize() == 0 ? LARGEST_PAGE : request.getPageSize();
    if (size < 0 || size > LARGEST_PAGE) {
      throw UnlearnSpecs.invalid("page_size: is " + size + "; it must be from 1 to " + LARGEST_PAGE
          + ", or 0 for that");
    }
    if (request.getStatesList().contains(JobState.UNRECOGNIZED)) {
      throw UnlearnSpecs.invalid("states: one of them is not known; this server knows QUEUED, RUNNING, SUCCEEDED, "
          + "FAILED"
          + " and CANCELLED");
    }
    return background.ask(() -> {
      // One more than asked for tells whether there are more.
      List<TrackedJob> jobs = queue.list(request.getModel(), request.getStatesList(), request.getPageToken(), size + 1);
      ListJobsResponse.Builder list = ListJobsResponse.newBuilder();
      if (jobs.size() > size) {
        jobs = jobs.subList(0, size);
        list.setNextPageToken(jobs.get(size - 1).id());
      }
      return list.addAllJobs(jobs.stream().map(job -> shown(job, call)).toList()).build();
    });
  }

  /** A job as its caller may see it. */
  private static Job shown(TrackedJob tracked, Call<?> call) {
    return shown(tracked.record(), call).apply(tracked.job());
  }

  /** What a client calls its request and its images may be names of people: they are no business of other clients. */
  private static UnaryOperator<Job> shown(JobRecord record, Call<?> call) {
    if (call.caller().principal().concerns(record.job().getSubmittedBy())) {
      return job -> job;
    }
    ImageNames names = ImageNames.of(record.work());
    return job -> names.without(job).toBuilder().setSpec(job.getSpec().toBuilder().clearRequestKey()).build();
  }

  /** A job that something is ordered of; what it is about goes into the audit log, whatever comes of the order. */
  private Future<Job> known(String id, Call<?> call) {
    return call.here(background.ask(() -> queue.job(id).job())).map(job -> {
      call.about("model", job.getSpec().getModel());
      call.about("version", job.getNewVersion().isEmpty() ? job.getBaseVersion() : job.getNewVersion());
      call.about("kind", AuditLog.kind(job.getSpec()));
      call.about("classes", String.join(",", job.getSpec().getClassesList()));
      call.about("images", Integer.toString(job.getUnlearnImages()));
      return job;
    });
  }

  /** A job that only who submitted it and operators give orders about. */
  private Future<Job> concerned(String id, Call<?> call) {
    return known(id, call).map(job -> {
      Principal caller = call.caller().principal();
      if (!caller.concerns(job.getSubmittedBy())) {
        throw new PermissionDenied(caller.name() + " may not do this: job " + job.getId() + " was submitted by "
            + job.getSubmittedBy() + "; that client or one with the role operate can");
      }
      return job;
    });
  }

  private Future<Job> cancelJob(CancelJobRequest request, Call<Job> call) {
    String actor = call.caller().principal().name();
    return concerned(request.getJobId(), call).compose(job -> background.run(() -> queue.cancel(job.getId(), actor)))
        .compose(ended -> call.here(ended));
  }

  private Future<Job> approveJob(ApproveJobRequest request, Call<Job> call) {
    String actor = call.caller().principal().name();
    return known(request.getJobId(), call)
        .compose(job -> background.run(() ->
            queue.approvals().approve(job.getId(), actor, reason(request.getReason()))));
  }

  private Future<Job> rejectJob(RejectJobRequest request, Call<Job> call) {
    String actor = call.caller().principal().name();
    return known(request.getJobId(), call)
        .compose(job -> background.run(() ->
            queue.approvals().reject(job.getId(), actor, reason(request.getReason()))));
  }

  private static String reason(String text) {
    if (text.length() > LONGEST_REASON) {
      throw UnlearnSpecs.invalid("reason: has " + text.length() + " characters; the most are " + LONGEST_REASON);
    }
    return text;
  }

  private Future<Job> retryJob(RetryJobRequest request, Call<Job> call) {
    String actor = call.caller().principal().name();
    return concerned(request.getJobId(), call).compose(job -> background.run(() -> {
      queue.unavailable().ifPresent(reason -> {
        throw new Precondition(reason);
      });
      return queue.retry(job.getId(), actor);
    }));
  }

  private Future<DeleteJobResponse> deleteJob(DeleteJobRequest request, Call<DeleteJobResponse> call) {
    return known(request.getJobId(), call).compose(job -> background.run(() -> {
      queue.delete(job.getId());
      return DeleteJobResponse.getDefaultInstance();
    }));
  }

  private void watch(WatchRequest request, Call<JobEvent> call) {
    Watcher watcher = new Watcher(call);
    call.onDrain(watcher::tell);
    // Whoever changes the job holds its lock while the new state is written down.
    Future<Runnable> watching = background.ask(() -> {
      TrackedJob job = queue.job(request.getJobId());
      UnaryOperator<Job> shown = shown(job.record(), call);
      Consumer<Job> told = changed -> watcher.accept(shown.apply(changed));
      job.watch(told);
      return () -> job.unwatch(told);
    });
    watching.onFailure(call::fail);
    call.onAbandoned(() -> watching.onSuccess(unwatch -> background.ask(() -> {
      unwatch.run();
      return null;
    })));
  }

  /** Hands changes on as fast as the client takes them; what it is too slow for, the next change replaces. */
  private static final class Watcher implements Consumer<Job> {

    private final Call<JobEvent> call;
    private Job untold;

    Watcher(Call<JobEvent> call) {
      this.call = call;
    }

    /** On any thread, in the order of changes. */
    @Override
    public void accept(Job changed) {
      call.context().runOnContext(v -> {
        untold = changed;
        tell();
      });
    }

    void tell() {
      if (untold == null || call.isOver() || call.isFull()) {
        return;
      }
      Job job = untold;
      untold = null;
      call.send(JobEvent.newBuilder().setJob(job).build());
      if (Phases.hasEnded(job)) {
        call.finish();
      }
    }
  }

  private Future<GetReportResponse> getReport(GetReportRequest request, Call<GetReportResponse> call) {
    return background.ask(() -> {
      TrackedJob tracked = queue.job(request.getJobId());
      Job job = tracked.job();
      if (!Phases.hasEnded(job) || !job.hasReport()) {
        throw new Precondition("job " + job.getId() + " has no report: it is "
            + Phases.name(job.getPhase()));
      }
      GetReportResponse.Builder report = GetReportResponse.newBuilder().setReport(job.getReport());
      // They show what was sent.
      if (call.caller().principal().concerns(job.getSubmittedBy())) {
        queue.pictures(tracked)
            .ifPresent(png -> report.setBeforeAfterPng(UnsafeByteOperations.unsafeWrap(png)));
      }
      return report.build();
    });
  }
}
