package dev.lethe.server.unlearning;

import com.google.protobuf.Timestamp;
import com.google.protobuf.util.Durations;
import com.google.protobuf.util.Timestamps;
import dev.lethe.server.audit.AuditLog;
import dev.lethe.server.encryption.MasterKey;
import dev.lethe.server.errors.DomainException;
import dev.lethe.server.errors.DomainException.AlreadyExists;
import dev.lethe.server.errors.DomainException.Exhausted;
import dev.lethe.server.errors.DomainException.Invalid;
import dev.lethe.server.errors.DomainException.Precondition;
import dev.lethe.server.errors.DomainException.Unavailable;
import dev.lethe.server.jobs.Commitment;
import dev.lethe.server.jobs.ImageNames;
import dev.lethe.server.jobs.JobRecord;
import dev.lethe.server.jobs.JobRecord.Intent;
import dev.lethe.server.jobs.JobStore;
import dev.lethe.server.jobs.Phases;
import dev.lethe.server.monitoring.ServerMetrics;
import dev.lethe.server.registry.CanaryRules;
import dev.lethe.server.registry.ClassLabels;
import dev.lethe.server.registry.ModelRegistry;
import dev.lethe.server.store.Database;
import dev.lethe.server.store.StoreException;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobChange;
import dev.lethe.v1.JobPhase;
import dev.lethe.v1.JobState;
import dev.lethe.v1.WorkerJob;
import io.vertx.core.Future;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All jobs that there are, and the one that runs here. The jobs of a model run one at a time in the order of
 * submission, since each starts from what the one before it has left.
 *
 * <p>Blocks: not for event loops.
 */
public final class JobQueue {

  private static final Logger LOG = LoggerFactory.getLogger(JobQueue.class);
  private static final Duration PATIENCE = Duration.ofSeconds(5);
  /** Between looks at what other servers have done. */
  private static final Duration LOOK = Duration.ofSeconds(1);

  /** Between looks whether all jobs are as they should be. */
  private static final Duration HOUSE = Duration.ofSeconds(30);
  /** As many of the last jobs say how long the next ones take. */
  private static final int ESTIMATED_BY = 10;
  /** For a worker to end, and what it has made of a job's images to be deleted. */
  private static final Duration LEAVING = Duration.ofSeconds(30);
  /** So many heartbeats after the last look at the database, others may take this server for ended soon. */
  private static final int HEARTBEATS_CUT_OFF = 3;
  /** An upload is none any more that its server has not shown to be at for so long, which it does with every look. */
  private static final Duration STALE_UPLOAD = Duration.ofMinutes(5);

  private final Database database;
  private final JobStore store;
  private final Cleaning cleaning;
  private final Pictures pictures = new Pictures();
  private final ModelRegistry registry;
  private final JobFolders folders;
  private final Options options;
  private final ServerMetrics metrics;
  private final AuditLog audit;
  private final JobScheduler scheduler;
  private final Orders orders;
  private final Approvals approvals;
  private final Optional<JobRun.Settings> running;
  // Those that have not ended and that somebody here deals with.
  private final Map<String, TrackedJob> live = new ConcurrentHashMap<>();
  // Two threads: what other servers have done is seen in time, however long a version takes that is promoted meanwhile.
  private final ScheduledExecutorService timer = Executors.newScheduledThreadPool(2,
      work -> new Thread(work, "lethe-jobs-timer"));
  private final boolean shared;
  // Models whose jobs wait since they are not served here, as far as that is told.
  private final Set<String> unserved = ConcurrentHashMap.newKeySet();
  private volatile TrackedJob atWork;
  // When the database was looked at last, by System.nanoTime.
  private volatile long looked = System.nanoTime();
  private volatile boolean closing;

  /**
   * What an operator decides.
   *
   * @param command the worker; empty: submissions are refused, and no job is carried out
   * @param silence how long a worker may say nothing
   * @param attempts how many workers of a job may crash or stand still
   * @param heartbeat how often a server shows that it works on a job
   * @param limit most jobs that may wait or run
   * @param approval who promotes
   * @param merge whether requests that wait are carried out by one run
   * @param canary which candidates serve a share of the requests before
   * @param keep how long jobs are known after their end; empty: until they are deleted
   */
  public record Options(Optional<WorkerCommand> command, Duration silence, int attempts, Duration heartbeat,
      int limit, ApprovalRules approval, MergeRules merge, CanaryRules canary, Optional<Duration> keep) {}

  JobQueue(Database database, MasterKey key, JobFolders folders, ModelRegistry registry, Options options,
      ServerMetrics metrics, AuditLog audit) {
    this.database = database;
    this.store = new JobStore(database);
    this.cleaning = new Cleaning(store, key, pictures);
    this.folders = folders;
    this.registry = registry;
    this.options = options;
    this.metrics = metrics;
    this.audit = audit;
    this.orders = new Orders(store, this::count);
    this.approvals = new Approvals(store, registry, orders);
    this.scheduler = new JobScheduler(database, options.heartbeat(), this::take);
    this.running = options.command().map(command -> new JobRun.Settings(registry, new LocalWorkers(command), key,
        cleaning,
        PATIENCE, options, metrics, new Merging(store, key, options.merge(), options.approval(), this::track),
        database.isShared(), this::isCutOff, () -> closing));
    this.shared = database.isShared();
  }

  /**
   * Takes up the jobs of the database: those that wait, and those that were at work when their server ended.
   *
   * @param alone whether no other server was at work on the folders of jobs when this one came
   * @throws IOException if folders of jobs cannot be read and written
   */
  void recover(boolean alone) throws IOException {
    folders.recover(this::isKnown, shared ? STALE_UPLOAD : Duration.ZERO);
    if (alone) {
      // Beside others, what this database does not know may be theirs.
      deleteUnknown();
    }
    // Alone, nobody is at what was approved before; beside others, somebody may be.
    keepHouse(shared ? HOUSE : Duration.ZERO);
    if (options.command().isPresent()) {
      scheduler.start();
    }
    if (shared) {
      timer.scheduleWithFixedDelay(this::look, LOOK.toMillis(), LOOK.toMillis(), TimeUnit.MILLISECONDS);
    }
    timer.scheduleWithFixedDelay(this::keepHouse, HOUSE.toMillis(), HOUSE.toMillis(), TimeUnit.MILLISECONDS);
    count();
  }

  /** A folder that has none of the jobs that there are may be the place where it is to be mounted. */
  private void mark() throws IOException {
    if (folders.isMarked()) {
      return;
    }
    if (database.file().map(folders::holds).orElse(false) || store.counts().isEmpty()
        || folders.ofJobs().size() > folders.unknown(this::isKnown).size()) {
      folders.mark();
    } else {
      LOG.error("the folder of jobs has none of the jobs of the database: see to it that it is mounted; until then"
          + " they wait, and none is taken. If it is lost, make the file {} in it", JobDirectory.MARK);
    }
  }

  private boolean isCutOff() {
    return shared && System.nanoTime() - looked > HEARTBEATS_CUT_OFF * options.heartbeat().toNanos();
  }

  private boolean isKnown(String id) {
    return store.find(id).isPresent();
  }

  /** A worker that outlived its server may have gone on, after its job was ended elsewhere and its files deleted. */
  private void cleanAgain(JobDirectory directory, Instant since) throws IOException {
    if (!directory.left(true).isEmpty()) {
      store.find(directory.id()).filter(record -> hasEndedBefore(record.job(), since))
          .ifPresent(this::cleanUp);
    }
  }

  private static boolean hasEndedBefore(Job job, Instant time) {
    return Phases.hasEnded(job) && Timestamps.toMillis(job.getEnded()) <= time.toEpochMilli();
  }

  /** No job comes after what lies open in folders of jobs that there are not. */
  private void deleteUnknown() throws IOException {
    List<JobDirectory> unknown = folders.unknown(this::isKnown);
    if (unknown.isEmpty()) {
      return;
    }
    LOG.warn("the database does not know the jobs of these folders, as if it were restored from a backup: {}. What is"
        + " readable in them is deleted. Their encrypted images stay, for a database that has their keys; delete the"
        + " folders if there is none", unknown.stream().map(JobDirectory::id).toList());
    for (JobDirectory directory : unknown) {
      try {
        if (running.isPresent()) {
          running.get().workers().endLeft(directory);
        }
        directory.deletePlain();
      } catch (IOException e) {
        LOG.error("{}: is not deleted as far as it should be: {}", directory.path(), e.getMessage());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException("interrupted while starting", e);
      }
    }
  }

  /**
   * Makes up for what a database or a disk that failed has left undone: nearly always all that wait are in the queue,
   * and those that have ended are cleaned up. Deletes jobs whose time is over.
   */
  void keepHouse() {
    keepHouse(HOUSE);
  }

  /** @param grace what was approved or has ended since is left to whoever is at it */
  private void keepHouse(Duration grace) {
    chore(this::mark);
    chore(() -> folders.recover(this::isKnown, STALE_UPLOAD));
    chore(() -> store.open().forEach(open -> scheduler.add(open.job().getId())));
    Instant since = Instant.now().minus(grace);
    chore(() -> store.uncleaned().stream().map(JobRecord::job).filter(ended -> hasEndedBefore(ended, since))
        .forEach(ended -> clean(ended.getId())));
    chore(() -> folders.ofJobs().forEach(directory -> chore(() -> cleanAgain(directory, since))));
    if (options.keep().isPresent()) {
      chore(() -> store.endedBefore(Instant.now().minus(options.keep().get())).forEach(old -> chore(() -> {
        delete(old);
        LOG.info("job {} is deleted: it ended more than {} days ago", old, options.keep().get().toDays());
      })));
    }
    chore(pictures::expire);
    chore(registry::settle);
    // Not those of models that only others serve.
    chore(() -> approvals.left(grace).stream().filter(job -> approvals.wasPromoted(job) || serves(job))
        .forEach(approvals::finishLater));
  }

  /** Something to do now and then. */
  private interface Chore {
    void run() throws IOException;
  }

  /** What cannot be done keeps nothing else from being done. */
  private static void chore(Chore chore) {
    try {
      chore.run();
    } catch (IOException | RuntimeException e) {
      LOG.warn("jobs are not all as they should be, which is tried again: {}", e.getMessage());
    }
  }

  /** Of a candidate that was not promoted, what an attempt may have certified goes as well. */
  private void cleanUp(JobRecord ended) {
    JobDirectory directory = folders.of(ended.job().getId());
    if (ended.job().getPhase() != JobPhase.JOB_PHASE_REJECTED || approvals.withdraw(ended.job())) {
      cleaning.clean(directory, ended);
    } else {
      cleaning.delete(directory, ended);
    }
  }

  /** Takes the files of a job away that has ended. */
  private void clean(String id) {
    try {
      store.find(id).filter(record -> Phases.hasEnded(record.job()))
          .ifPresent(this::cleanUp);
    } catch (StoreException e) {
      LOG.warn("job {}: its images are deleted later: {}", id, e.getMessage());
    }
  }

  /** What operators decide. */
  Approvals approvals() {
    return approvals;
  }

  /** The pictures of a job's report, if they are kept, or held still. */
  Optional<byte[]> pictures(TrackedJob job) throws IOException {
    return cleaning.pictures(job.directory(), job.record());
  }

  /** Takes what other servers have done to jobs that are watched or carried out here, and what they have promoted. */
  private void look() {
    try {
      // First: versions are followed without a database, too.
      registry.follow();
    } catch (IOException | RuntimeException e) {
      LOG.warn("what other servers have promoted cannot be seen: {}", e.getMessage());
    }
    try {
      metrics.jobs(store.counts());
      live.values().forEach(job -> store.find(job.id()).ifPresentOrElse(job::refresh, job::deleted));
      looked = System.nanoTime();
    } catch (StoreException e) {
      LOG.warn("what other servers have done to jobs cannot be seen: {}", e.getMessage());
    }
  }

  /** Why no job can be carried out here, if none can. */
  Optional<String> unavailable() {
    return options.command().isPresent() ? Optional.empty()
        : Optional.of("this server cannot unlearn: it was started without --worker-command");
  }

  /**
   * What a request asks for.
   *
   * @param digest equal for equal requests
   * @param sealedKey of its images
   * @param commitments to those to unlearn
   */
  record Asked(String digest, String sealedKey, List<Commitment> commitments) {}

  /**
   * Why no more job is taken just now, if so: better said before an upload than after it. A client that has a job may
   * be sending it once more, and is not told before it is seen what it sends.
   */
  Optional<DomainException> full(String client) {
    try {
      return store.countOpen() < options.limit() || store.hasOpen(client) ? Optional.empty() : Optional.of(tooMany());
    } catch (StoreException e) {
      return Optional.of(e.error());
    }
  }

  private DomainException tooMany() {
    return new Exhausted("spec: " + options.limit() + " jobs wait or run, which is the most"
        + " (--max-jobs); try again when one of them has ended");
  }

  /**
   * Makes a finished upload a job: from the return on it is kept, and will be carried out, whatever happens.
   *
   * @param asked what is asked for
   * @return the job, or the one that there is already for this request
   * @throws DomainException Exhausted if there is no space or there are too many jobs, Unavailable if the
   *     database is gone; then there is no job
   */
  Job submit(JobDirectory upload, Job.Builder requested, WorkerJob work, Asked asked) throws IOException {
    Job job = Phases.accept(requested, requested.getSubmittedBy(), Instant.now());
    Optional<JobRecord> inserted;
    try {
      upload.write(work);
      folders.sync(upload);
      inserted = store.insert(new JobRecord(job, work, Intent.NONE, asked.digest(), asked.sealedKey()),
          asked.commitments(), options.limit());
    } catch (IOException e) {
      folders.discard(upload);
      throw e;
    } catch (StoreException e) {
      // It may be a job all the same if the database was lost on the way: that is found out later.
      if (e.reason() == StoreException.Reason.NO_SPACE) {
        folders.discard(upload);
      } else {
        folders.leave(upload);
      }
      throw e.error();
    }
    if (inserted.isEmpty()) {
      folders.discard(upload);
      throw tooMany();
    }
    JobRecord kept = inserted.get();
    if (!kept.job().getId().equals(job.getId())) {
      folders.discard(upload);
      if (!kept.request().equals(asked.digest())) {
        throw new AlreadyExists("spec.request_key: is that of job " + kept.job().getId()
            + ", which asks for something else; choose another");
      }
      LOG.info("job {} is what is asked for once more", kept.job().getId());
      return withPosition(kept.job());
    }
    folders.commit(upload, job.getId());
    track(job.getId());
    enqueue(job.getId());
    count();
    LOG.info("job {} is queued: {} images to unlearn from {}", job.getId(), job.getUnlearnImages(),
        job.getSpec().getModel());
    return withPosition(job);
  }

  /** With its place in the queue, and an estimate, by how long the last jobs of the model took. */
  Job withPosition(Job job) {
    if (job.getState() != JobState.JOB_STATE_QUEUED) {
      return job;
    }
    int before = store.before(job);
    Job.Builder placed = job.toBuilder().setQueuePosition(before);
    store.list(job.getSpec().getModel(), List.of(JobState.JOB_STATE_SUCCEEDED), Optional.empty(), ESTIMATED_BY).stream()
        .map(JobRecord::job)
        .mapToDouble(ended -> Durations.toMillis(Timestamps.between(ended.getStarted(), made(ended))) / 1e3)
        .average().ifPresent(seconds -> placed.setSecondsUntilStart(before * seconds));
    return placed.build();
  }

  /** When a job's candidate was made: an operator may take days to decide on it. */
  private static Timestamp made(Job ended) {
    return ended.getChangesList().stream().filter(change -> change.getPhase() == JobPhase.JOB_PHASE_CANDIDATE)
        .map(JobChange::getTime).reduce((first, last) -> last).orElse(ended.getEnded());
  }

  /** It is a job already: what fails now is made up for later. */
  private void enqueue(String id) {
    try {
      scheduler.add(id);
    } catch (RuntimeException e) {
      LOG.error("job {} cannot be queued now; it is tried again: {}", id, e.getMessage());
    }
  }

  /** The job as it is followed here; empty if there is none, or it has ended. */
  private Optional<TrackedJob> track(String id) {
    // The store is asked within, so that a job that ends meanwhile is not taken for one that goes on.
    return Optional.ofNullable(live.computeIfAbsent(id, absent -> store.find(id)
        .filter(record -> !Phases.hasEnded(record.job()))
        .map(record -> {
          TrackedJob tracked = new TrackedJob(store, folders.of(id), record);
          tracked.ended().onSuccess(end -> live.remove(id));
          return tracked;
        }).orElse(null)));
  }

  /** A turn of a job, on the scheduler's thread. */
  private boolean take(String id) throws InterruptedException {
    Optional<JobRecord> record = store.find(id);
    if (record.isEmpty()) {
      discard(id);
      return true;
    }
    if (Phases.hasEnded(record.get().job())) {
      // Its server may have ended between this and the next.
      clean(id);
      audit.endedUntold(ImageNames.of(record.get().work()).without(record.get().job()),
          Phases.ends(record.get().job()));
      return true;
    }
    if (closing || !store.first(record.get().job().getSpec().getModel()).equals(Optional.of(id))) {
      return false;
    }
    Optional<TrackedJob> tracked = track(id);
    if (tracked.isEmpty()) {
      return true;
    }
    if (!serves(record.get().job()) || shared && !follows(record.get().job())) {
      return false;
    }
    TrackedJob job = tracked.get();
    job.refresh(record.get());
    LOG.info("job {} runs", id);
    atWork = job;
    try {
      if (closing) {
        return false;
      }
      new JobRun(job, running.orElseThrow()).run();
    } finally {
      leave(job, Phases.ends(record.get().job()));
      count();
    }
    if (store.find(id).isEmpty()) {
      discard(id);
      return true;
    }
    Job end = job.job();
    if (Phases.hasEnded(end)) {
      clean(id);
      // Where it was ended elsewhere, that is told already.
      audit.endedUntold(ImageNames.of(record.get().work()).without(end), Phases.ends(end));
    }
    LOG.info("job {} is {}{}", id, Phases.name(end.getPhase()), end.getMessage().isEmpty() ? "" : ": "
        + end.getMessage());
    return Phases.hasEnded(end);
  }

  /**
   * Nobody works on it here from now on. Who asked for its end when the run was past heeding it is heeded now.
   *
   * @param ends how often it had ended when it was begun: what was retried elsewhere since is not what was to end
   */
  private void leave(TrackedJob job, long ends) throws InterruptedException {
    Optional<TrackedJob.Stop> asked;
    synchronized (job) {
      atWork = null;
      asked = job.stopped().filter(TrackedJob.Stop::isOrdered);
    }
    while (asked.isPresent() && !Phases.hasEnded(job.record().job()) && !closing) {
      try {
        TrackedJob.Stop order = asked.get();
        job.change(stored -> {
          if (Phases.ends(stored.job()) != ends) {
            throw new IllegalStateException("it has ended, and was retried elsewhere");
          }
          return stored.with(Phases.move(stored.job(), order.to(), order.actor(), order.cause(), Instant.now())
              .toBuilder().setMessage(order.cause()).build());
        });
      } catch (IllegalStateException e) {
        LOG.info("job {} is not cancelled, which was asked for: {}", job.id(), e.getMessage());
        job.forgetOrder();
        return;
      } catch (StoreException e) {
        LOG.error("job {} is to be cancelled, and waits for the database: {}", job.id(), e.getMessage());
        TimeUnit.SECONDS.sleep(1);
      }
    }
  }

  /** Of a job that was deleted by another server, a worker of this one may have made something since. */
  private void discard(String id) throws InterruptedException {
    JobDirectory directory = folders.of(id);
    try {
      if (!directory.isGone()) {
        running.orElseThrow().workers().endLeft(directory);
        folders.discard(directory);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("job " + id + " is deleted, and its files are not yet", e);
    }
  }

  /** A model may be unloaded for a while, or be another server's: its jobs wait. */
  private boolean serves(Job job) {
    String model = job.getSpec().getModel();
    if (JobRun.active(registry, job).isPresent()) {
      unserved.remove(model);
      return true;
    }
    if (unserved.add(model)) {
      LOG.warn("{} is not served here: its jobs wait until it is loaded{}", model, shared
          ? ", or until a server that serves it has their turn" : "");
    }
    return false;
  }

  /** A job must begin with what another server has promoted last; whether that serves here. */
  private boolean follows(Job job) throws InterruptedException {
    String model = job.getSpec().getModel();
    try {
      registry.follow(model).toCompletionStage().toCompletableFuture().get();
      return true;
    } catch (IOException | ExecutionException e) {
      LOG.warn("no job of {} begins here: what another server has promoted is not served: {}", model, e.getMessage());
      return false;
    }
  }

  private void count() {
    try {
      metrics.jobs(store.counts());
    } catch (StoreException e) {
      LOG.warn("jobs cannot be counted: {}", e.getMessage());
    }
  }

  /** @throws DomainException NotFound; Unavailable if the database is gone */
  TrackedJob job(String id) {
    TrackedJob known = live.get(id);
    if (known != null) {
      return known;
    }
    try {
      return track(id).or(() -> store.find(id).map(record -> new TrackedJob(store, folders.of(id), record)))
          .orElseThrow(() -> Orders.unknown(id));
    } catch (StoreException e) {
      throw e.error();
    }
  }

  /**
   * One page of jobs, the newest first.
   *
   * @param model only of this one; empty: of all
   * @param states only in these; none: in any
   * @param after only older ones than this job; empty: from the newest on
   * @throws DomainException Unavailable if the database is gone
   */
  List<TrackedJob> list(String model, List<JobState> states, String after, int limit) {
    try {
      Optional<Job> last = after.isEmpty() ? Optional.empty() : Optional.of(store.find(after)
          .orElseThrow(() -> new Invalid("page_token: its job " + ClassLabels.abbreviate(after)
              + " was deleted; list from the start")).job());
      return store.list(model, states, last, limit).stream()
          .map(record -> Optional.ofNullable(live.get(record.job().getId()))
              .orElseGet(() -> new TrackedJob(store, folders.of(record.job().getId()), record))).toList();
    } catch (StoreException e) {
      throw e.error();
    }
  }

  /**
   * Ends a job that waits or runs.
   *
   * @param actor who asks
   * @return its last state; Precondition if it is too late
   */
  Future<Job> cancel(String id, String actor) {
    TrackedJob job = job(id);
    TrackedJob here;
    boolean stopped;
    synchronized (job) {
      here = atWork;
      stopped = here == job && job.record().job().getPhase() != JobPhase.JOB_PHASE_CANDIDATE;
      if (stopped) {
        job.stop(new TrackedJob.Stop(JobPhase.JOB_PHASE_CANCELLED, actor, "cancelled by request"), PATIENCE);
      }
    }
    if (!stopped) {
      try {
        job.move(JobPhase.JOB_PHASE_CANCELLED, actor, "cancelled by request",
            end -> end.setMessage("cancelled by request"));
        if (here != job) {
          clean(id);
        }
        audit.ended(job.job());
        count();
        leaveRun(job.job(), here);
      } catch (IllegalStateException e) {
        return Future.failedFuture(tooLate(job.job()));
      } catch (StoreException e) {
        return Future.failedFuture(e.error());
      }
    }
    return job.ended().compose(end -> end.getState() == JobState.JOB_STATE_CANCELLED ? Future.succeededFuture(end)
        : Future.failedFuture(tooLate(end)));
  }

  /** Waits until a job that was cancelled has no part in the run any more that carried it out, too, if that is here. */
  private static void leaveRun(Job cancelled, TrackedJob run) {
    if (run == null || !run.id().equals(cancelled.getMergedInto())) {
      return;
    }
    long limit = System.nanoTime() + LEAVING.toNanos();
    try {
      while (System.nanoTime() < limit && !Phases.hasEnded(run.record().job())
          && run.record().job().getMergedJobsList().contains(cancelled.getId())) {
        TimeUnit.MILLISECONDS.sleep(20);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static DomainException tooLate(Job job) {
    return new Precondition("job " + job.getId() + (job.getPhase() == JobPhase.JOB_PHASE_AWAITING_APPROVAL
        ? " has done its work, and awaits approval; reject it instead" : Phases.hasEnded(job)
        ? " has ended already: " + Phases.name(job.getPhase())
        : " has done its work; its candidate is being taken over"));
  }

  /**
   * Queues a job that failed or was cancelled once more.
   *
   * @throws DomainException NotFound; Precondition if it did neither, or its images are deleted; Unavailable if files
   *     of its last run cannot be deleted
   */
  Job retry(String id, String actor) {
    awaitCleaned(id);
    Job queued = orders.give(id, stored -> {
      Job moved = Phases.move(stored.job(), JobPhase.JOB_PHASE_QUEUED, actor, "retried by request", Instant.now());
      boolean sent = stored.job().getUnlearnImages() + stored.job().getLearnImages() > 0;
      // Without their key they are nobody's: they were not to be kept, or the job is just being deleted.
      boolean kept = stored.job().getSpec().getKeepPictures() && !stored.sealedKey().isEmpty();
      if (sent && !kept || !folders.of(id).hasImages(stored.job())) {
        throw new IllegalStateException("job " + id
            + " cannot be carried out once more: its images are deleted, since the"
            + " request did not ask to keep them; submit them again");
      }
      return stored.with(moved, Intent.NONE);
    });
    enqueue(id);
    return withPosition(queued);
  }

  /** Waits until nobody takes files away any more, which would be the next run's by then. */
  private void awaitCleaned(String id) {
    long limit = System.nanoTime() + LEAVING.toNanos();
    try {
      while (store.isUncleaned(id)) {
        if (System.nanoTime() > limit) {
          throw new Unavailable("job " + id + ": files of its last run are not deleted yet; try again later");
        }
        TimeUnit.MILLISECONDS.sleep(20);
      }
    } catch (StoreException e) {
      throw e.error();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new Unavailable("the server is shutting down", e);
    }
  }

  /**
   * Deletes what is known of a job that has ended, and its files.
   *
   * @throws DomainException NotFound; Precondition if something is still to be done or decided; Unavailable if its
   *     files are out of reach
   */
  void delete(String id) throws IOException {
    JobDirectory directory = folders.of(id);
    if (directory.isOutOfReach()) {
      throw new Unavailable("job " + id + ": the folder of jobs is not mounted, so that its files cannot be deleted");
    }
    orders.give(id, stored -> {
      if (!Phases.isSettled(stored.job())) {
        throw new IllegalStateException("job " + id + " is " + Phases.name(stored.job().getPhase())
            + "; it can be deleted once it has ended");
      }
      // From here on its images are nobody's, and cannot be what it is carried out with once more.
      return stored.withoutKey();
    });
    folders.discard(directory);
    pictures.forget(id);
    try {
      if (!store.delete(id) && store.find(id).isPresent()) {
        throw new Precondition("job " + id + " was queued once more meanwhile");
      }
    } catch (StoreException e) {
      throw e.error();
    }
    count();
  }

  /** Stops the job that runs; it and those that wait are taken up at the next start. Blocks until that is done. */
  public void close() {
    closing = true;
    TrackedJob here = atWork;
    if (here != null) {
      here.stop(new TrackedJob.Stop(JobPhase.JOB_PHASE_QUEUED, Phases.SERVER,
          "the server was stopped; the job goes on at its next start"), PATIENCE);
    }
    timer.shutdownNow();
    scheduler.close();
  }
}
