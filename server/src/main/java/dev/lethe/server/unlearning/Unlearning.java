package dev.lethe.server.unlearning;

import com.google.protobuf.UnsafeByteOperations;
import dev.lethe.server.audit.AuditLog;
import dev.lethe.server.monitoring.ServerMetrics;
import dev.lethe.server.registry.ModelRegistry;
import dev.lethe.server.rpc.Call;
import dev.lethe.server.rpc.RpcService;
import dev.lethe.v1.CancelJobRequest;
import dev.lethe.v1.GetJobRequest;
import dev.lethe.v1.GetReportRequest;
import dev.lethe.v1.GetReportResponse;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobEvent;
import dev.lethe.v1.ListJobsRequest;
import dev.lethe.v1.ListJobsResponse;
import dev.lethe.v1.UnlearningServiceGrpc;
import dev.lethe.v1.WatchRequest;
import io.grpc.Status;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.grpc.server.Service;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Consumer;

/** {@code lethe.v1.UnlearningService}. */
public final class Unlearning {

  private final Vertx vertx;
  private final ModelRegistry registry;
  private final JobStore store;
  private final JobQueue queue;
  private final String data;

  private Unlearning(Vertx vertx, ModelRegistry registry, JobStore store, JobQueue queue, String data) {
    this.vertx = vertx;
    this.registry = registry;
    this.store = store;
    this.queue = queue;
    this.data = data;
  }

  /**
   * Takes up the jobs of a directory. Blocks.
   *
   * @param jobs where jobs lie
   * @param command the worker; empty: submissions are refused
   * @param data directory of the data set that workers are told of
   * @throws IOException if the directory cannot be read and written
   */
  public static Unlearning open(Vertx vertx, ModelRegistry registry, Path jobs, Optional<WorkerCommand> command,
      Optional<Path> data, ServerMetrics metrics, AuditLog audit) throws IOException {
    JobStore store = new JobStore(jobs);
    JobQueue queue = new JobQueue(store, registry, command, metrics, audit);
    queue.recover();
    return new Unlearning(vertx, registry, store, queue, data.map(path -> path.toAbsolutePath().toString()).orElse(""));
  }

  public JobQueue queue() {
    return queue;
  }

  public Service service(RpcService.Settings settings) {
    return RpcService.of(UnlearningServiceGrpc.getServiceDescriptor(), settings)
        .auditedStreaming(UnlearningServiceGrpc.getSubmitMethod(), Upload::subject,
            call -> new Upload(vertx, registry, store, queue, data, call))
        .serverStreaming(UnlearningServiceGrpc.getWatchMethod(), this::watch)
        .immediate(UnlearningServiceGrpc.getGetJobMethod(), this::getJob)
        .immediate(UnlearningServiceGrpc.getListJobsMethod(), this::listJobs)
        .audited(UnlearningServiceGrpc.getCancelJobMethod(),
            (request, call) -> call.about("job_id", request.getJobId()), this::cancelJob)
        .unary(UnlearningServiceGrpc.getGetReportMethod(), this::getReport)
        .build();
  }

  private Job getJob(GetJobRequest request) {
    return queue.job(request.getJobId()).job();
  }

  private ListJobsResponse listJobs(ListJobsRequest request) {
    ListJobsResponse.Builder list = ListJobsResponse.newBuilder();
    queue.newestFirst().forEach(job -> list.addJobs(job.job()));
    return list.build();
  }

  private Future<Job> cancelJob(CancelJobRequest request, Call<Job> call) {
    // The job's new state is written down, by whoever changes it.
    return vertx.executeBlocking(() -> queue.cancel(request.getJobId()), false).compose(ended -> call.here(ended));
  }

  private void watch(WatchRequest request, Call<JobEvent> call) {
    TrackedJob job = queue.job(request.getJobId());
    Watcher watcher = new Watcher(call);
    call.onDrain(watcher::tell);
    // Whoever changes the job holds its lock while the new state is written down.
    Future<Void> watching = vertx.executeBlocking(() -> {
      job.watch(watcher);
      return null;
    }, false);
    call.onAbandoned(() -> watching.onComplete(begun -> vertx.executeBlocking(() -> {
      job.unwatch(watcher);
      return null;
    }, false)));
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
      if (TrackedJob.hasEnded(job)) {
        call.finish();
      }
    }
  }

  private Future<GetReportResponse> getReport(GetReportRequest request, Call<GetReportResponse> call) {
    TrackedJob tracked = queue.job(request.getJobId());
    Job job = tracked.job();
    if (!TrackedJob.hasEnded(job) || !job.hasReport()) {
      throw Status.FAILED_PRECONDITION.withDescription("job " + job.getId() + " has no report: it is "
          + job.getState()).asRuntimeException();
    }
    return vertx.executeBlocking(() -> {
      GetReportResponse.Builder report = GetReportResponse.newBuilder().setReport(job.getReport());
      tracked.directory().beforeAfter()
          .ifPresent(png -> report.setBeforeAfterPng(UnsafeByteOperations.unsafeWrap(png)));
      return report.build();
    }, false);
  }
}
