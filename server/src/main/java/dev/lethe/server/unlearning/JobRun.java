package dev.lethe.server.unlearning;

import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.encryption.FileCipher;
import dev.lethe.server.encryption.MasterKey;
import dev.lethe.server.errors.DomainException;
import dev.lethe.server.jobs.ImageNames;
import dev.lethe.server.jobs.JobRecord;
import dev.lethe.server.jobs.Phases;
import dev.lethe.server.modelstore.ModelStore;
import dev.lethe.server.modelstore.VersionName;
import dev.lethe.server.monitoring.ServerMetrics;
import dev.lethe.server.registry.ModelRegistry;
import dev.lethe.server.registry.ServedModel;
import dev.lethe.server.store.StoreException;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobChange;
import dev.lethe.v1.JobPhase;
import dev.lethe.v1.UnlearnReport;
import dev.lethe.v1.WorkerEvent;
import dev.lethe.v1.WorkerJob;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Carries out one job from wherever it is, and with it those that are merged into it: worker after worker until one is
 * done, then the take-over of its candidate. Blocks; runs on a thread of the queue.
 */
final class JobRun {

  private static final Logger LOG = LoggerFactory.getLogger(JobRun.class);
  private static final long PAUSE_S = 2;
  private static final long LONGEST_PAUSE_S = 600;
  private static final long LOOK_MS = 100;

  private final TrackedJob tracked;
  private final Settings settings;
  // Written between workers, read while one is watched.
  private volatile List<TrackedJob> others = List.of();
  private Merging.Combined combined;
  private boolean done;
  private String workersOwnReason;
  private UnlearnReport report;
  private volatile long lastSign;

  JobRun(TrackedJob tracked, Settings settings) {
    this.tracked = tracked;
    this.settings = settings;
  }

  /**
   * What all jobs of a server have in common.
   *
   * @param key opens the keys of jobs
   * @param cleaning takes their files away
   * @param patience between asking a worker to end and ending it
   * @param merging which jobs are carried out by one run
   * @param shared whether other servers carry jobs of the same database out
   * @param cutOff whether the database was out of reach for so long that others may take this server for ended
   * @param closing whether the server ends
   */
  record Settings(ModelRegistry registry, WorkerLauncher workers, MasterKey key, Cleaning cleaning, Duration patience,
      JobQueue.Options options, ServerMetrics metrics, Merging merging, boolean shared, BooleanSupplier cutOff,
      BooleanSupplier closing) {}

  /** A job that cannot be carried out; the message is the job's. */
  static final class JobFailedException extends Exception {
    private static final long serialVersionUID = 1;

    JobFailedException(String message, Throwable cause) {
      super(message, cause);
    }
  }

  /** The job is no longer this run's: it was ended or deleted elsewhere, or the server ends. */
  private static final class NoLongerOursException extends RuntimeException {
    private static final long serialVersionUID = 1;
  }

  /** Something speaks against carrying the job out here and now, and nothing against the job; the message says what. */
  private static final class NotNowException extends Exception {
    private static final long serialVersionUID = 1;

    NotNowException(String message) {
      super(message);
    }
  }

  /** The model is not served here: its jobs wait until it is, or until another server has their turn. */
  static final class NotServedException extends RuntimeException {
    private static final long serialVersionUID = 1;
  }

  /**
   * Brings the job to its end; or leaves it where the next server takes it up, if this one ends, or where its next turn
   * does, if the model is unloaded meanwhile, or the job's files or their key are out of reach.
   */
  void run() throws InterruptedException {
    tracked.begin();
    others = settings.merging().with(tracked);
    try {
      if (tracked.record().job().getPhase() == JobPhase.JOB_PHASE_CANDIDATE) {
        carryOn();
      } else if (!work()) {
        return;
      }
      if (active(settings.registry(), tracked.record().job()).isEmpty()) {
        throw new NotServedException();
      }
      new TakeOver(tracked, others, settings.registry(), settings.cleaning(), this::stored,
          new Canary(settings.options().canary(), settings.closing())).run();
    } catch (NotNowException e) {
      awaits(e.getMessage());
    } catch (JobFailedException | IOException e) {
      if (e instanceof IOException && TakeOver.isTakenLater(e)) {
        awaits(words(e));
      } else {
        end(JobPhase.JOB_PHASE_FAILED, Phases.SERVER, words(e));
      }
    } catch (NoLongerOursException e) {
      LOG.info("job {} is no longer carried out here", tracked.id());
    } catch (NotServedException e) {
      LOG.info("job {} waits: its model is not served here", tracked.id());
    } catch (StoreException e) {
      // What was to be read comes again with the next turn.
      throw e;
    } catch (RuntimeException e) {
      LOG.error("job {} met a fault of this server", tracked.id(), e);
      end(JobPhase.JOB_PHASE_FAILED, Phases.SERVER, "a fault of this server ended it: " + e);
    } finally {
      // Whoever works on it next is not held to this turn, and orders are not, either.
      tracked.release();
      settings.metrics().progress(0);
    }
  }

  /** Takes over what another turn has made, which then changes nothing any more, should it only have stood still. */
  private void carryOn() throws InterruptedException {
    Instant now = Instant.now();
    stored(() -> tracked.changeWith(others, stored -> stored.with(Phases.carryOn(stored.job(), now))));
    tracked.hold();
  }

  /**
   * Leaves the job to its next turn, here or elsewhere, and tells why, once. The more workers it had, the later that
   * turn comes: each is told of in its history.
   */
  private void awaits(String reason) throws InterruptedException {
    String message = "waits: " + reason;
    try {
      if (!tracked.record().job().getMessage().equals(message)) {
        LOG.error("job {} {}", tracked.id(), message);
        stored(() -> {
          if (Phases.works(tracked.record().job().getPhase())) {
            moveAlone(JobPhase.JOB_PHASE_QUEUED, Phases.SERVER, message.lines().findFirst().orElseThrow());
          }
          tracked.change(stored -> Phases.hasEnded(stored.job()) ? stored
              : stored.with(stored.job().toBuilder().setMessage(message).build()));
        });
      }
    } catch (NoLongerOursException e) {
      LOG.info("job {} is no longer carried out here", tracked.id());
      return;
    }
    long limit = System.nanoTime()
        + TimeUnit.SECONDS.toNanos(Math.min(LONGEST_PAUSE_S, PAUSE_S * (1L + tracked.record().job().getAttempt())));
    while (System.nanoTime() < limit && !settings.closing().getAsBoolean() && !tracked.isLost()
        && tracked.stopped().isEmpty()) {
      TimeUnit.MILLISECONDS.sleep(LOOK_MS);
    }
  }

  /** What a job is told of its failure: of a file, Java's own exceptions say the name alone. */
  private static String words(Exception failure) {
    if (failure instanceof NoSuchFileException) {
      return "the job needs " + failure.getMessage() + ", and there is no such file";
    }
    return failure.getMessage() == null || failure instanceof FileSystemException
        ? "the job's files cannot be read and written: " + failure : failure.getMessage();
  }

  private void end(JobPhase phase, String actor, String reason) throws InterruptedException {
    try {
      stored(() -> moveAll(phase, actor, reason, job -> job.setMessage(reason)));
    } catch (NoLongerOursException e) {
      LOG.info("job {} is no longer carried out here", tracked.id());
    }
  }

  private void moveAll(JobPhase to, String actor, String cause, Consumer<Job.Builder> more) {
    tracked.changeWith(others, stored -> {
      Job.Builder moved = Phases.move(stored.job(), to, actor, cause, Instant.now()).toBuilder();
      more.accept(moved);
      return stored.with(moved.build());
    });
  }

  /**
   * The job becomes what is said, and those that were carried out with it wait for a run again. How its images lie in
   * its folder stays known until the next run has sorted them out.
   */
  private void moveAlone(JobPhase to, String actor, String cause) {
    Instant now = Instant.now();
    tracked.changeWith(others, stored -> {
      boolean first = stored.job().getId().equals(tracked.id());
      if (leaveEnded(stored, first)) {
        return stored;
      }
      Job moved = Phases.move(stored.job(), first ? to : JobPhase.JOB_PHASE_QUEUED, first ? actor : Phases.SERVER,
          first ? cause : "the job that it was carried out with is " + Phases.name(to), now);
      return stored.with(first ? moved.toBuilder().setMessage(to == JobPhase.JOB_PHASE_QUEUED ? "" : cause).build()
          : moved.toBuilder().clearMergedInto().build());
    });
    others = List.of();
  }

  /** Whether a job is one of the others that its client has ended meanwhile. */
  private static boolean leaveEnded(JobRecord stored, boolean first) {
    if (first && Phases.hasEnded(stored.job())) {
      throw new IllegalStateException("job " + stored.job().getId() + " has ended elsewhere");
    }
    return Phases.hasEnded(stored.job());
  }

  /** From now on each is carried out by itself; each keeps its place in the queue. */
  private void separate(String reason) throws InterruptedException {
    LOG.info("job {}, and {} that were carried out with it: {}", tracked.id(), others.size(), reason);
    Instant now = Instant.now();
    stored(() -> tracked.changeWith(others, stored -> leaveEnded(stored, stored.job().getId().equals(tracked.id()))
        ? stored : stored.with(Phases.move(stored.job(), JobPhase.JOB_PHASE_QUEUED, Phases.SERVER,
            Merging.APART + reason, now).toBuilder().clearMergedInto().build())));
    others = List.of();
  }

  /**
   * Carries out a change of the store, however long that takes: what has happened must be written down.
   *
   * @throws NoLongerOursException if the job has been changed by somebody else so that it cannot be, or the server ends
   */
  private void stored(Runnable change) throws InterruptedException {
    for (boolean told = false;; told = true) {
      try {
        change.run();
        return;
      } catch (StoreException e) {
        if (settings.closing().getAsBoolean()) {
          throw new NoLongerOursException();
        }
        if (!told) {
          LOG.error("job {} waits for the database: {}", tracked.id(), e.getMessage());
        }
        TimeUnit.SECONDS.sleep(1);
      } catch (IllegalStateException e) {
        LOG.info("{}", e.getMessage());
        throw new NoLongerOursException();
      }
    }
  }

  /** Starts workers until one is done, and decides about its candidate; false if the job is not to be carried on. */
  private boolean work() throws InterruptedException, IOException, JobFailedException, NotNowException {
    while (true) {
      WorkerJob work = prepare();
      Optional<TrackedJob.Stop> stop;
      Bundle candidate = null;
      try {
        stop = attempt();
        if (stop.isEmpty()) {
          candidate = TakeOver.candidate(tracked, work);
        }
      } catch (JobFailedException e) {
        if (others.isEmpty()) {
          throw e;
        }
        // Whose fault it is nobody knows.
        separate("their run failed: " + e.getMessage());
        continue;
      }
      if (candidate != null) {
        if (decide(candidate)) {
          return true;
        }
        continue;
      }
      TrackedJob.Stop reason = stop.get();
      if (reason.to() == JobPhase.JOB_PHASE_QUEUED && reason.actor().equals(Phases.WORKER)
          && crashes() + 1 >= settings.options().attempts()) {
        if (!others.isEmpty()) {
          separate("workers of their run crashed or stood still");
          continue;
        }
        throw new JobFailedException(reason.cause() + (settings.options().attempts() > 1
            ? "\nThat was worker " + settings.options().attempts() + " of " + settings.options().attempts()
                + " that may crash or stand still."
            : ""), null);
      }
      if (reason.to() == JobPhase.JOB_PHASE_QUEUED) {
        LOG.warn("job {}: {}", tracked.id(), reason.cause());
        boolean goesOn = reason.actor().equals(Phases.WORKER) || Merging.hasLost(others);
        stored(() -> moveAlone(reason.to(), reason.actor(), reason.cause()));
        if (!goesOn || settings.closing().getAsBoolean()) {
          return false;
        }
      } else {
        stored(() -> moveAlone(reason.to(), reason.actor(), reason.cause()));
        return false;
      }
    }
  }

  /**
   * Decides about a candidate; of one that several requests have made, for each.
   *
   * @return false if they are to be carried out by themselves
   */
  private boolean decide(Bundle candidate) throws InterruptedException {
    if (others.isEmpty()) {
      stored(() -> TakeOver.decide(tracked, candidate, report,
          settings.options().approval().asks(candidate.card().name())));
      return true;
    }
    List<TrackedJob> all = Merging.concat(tracked, others);
    Map<String, UnlearnReport> reports = new HashMap<>();
    List<String> against = new ArrayList<>(PromotionGates.failures(tracked.record().job().getSpec().getGates(),
        report));
    for (TrackedJob job : all) {
      MergedReport part = MergedReport.of(report, job.record().job(), job.record().work(),
          combined.places().get(job.id()), all.size(), combined.work().getClassesCount());
      reports.put(job.id(), part.report());
      // Of whom is nobody else's matter: reports have their job's history.
      part.against().ifPresent(reason -> against.add("of one of them: " + reason));
    }
    if (!against.isEmpty()) {
      separate("what their run came to does not pass for each of them (" + String.join("; ", against) + ")");
      return false;
    }
    Instant now = Instant.now();
    stored(() -> tracked.changeWith(others, stored -> {
      Job moved = Phases.move(stored.job(), JobPhase.JOB_PHASE_CANDIDATE, Phases.WORKER, "version "
          + candidate.card().version() + " is made and measured, for " + all.size() + " requests together", now);
      return stored.with(moved.toBuilder().setReport(reports.get(moved.getId()))
          .setNewVersion(candidate.card().version()).build(), JobRecord.Intent.PROMOTE);
    }));
    return true;
  }

  /** Workers that crashed or stood still. */
  private long crashes() {
    List<JobChange> changes = tracked.record().job().getChangesList();
    // What became of workers that carried out others, too, is not counted; nor what led to an end before a retry.
    int since = 0;
    for (int i = 1; i < changes.size(); i++) {
      since = changes.get(i).getCause().startsWith(Merging.APART) || Phases.isRetry(changes.get(i - 1), changes.get(i))
          ? i : since;
    }
    return changes.stream().skip(since)
        .filter(change -> change.getPhase() == JobPhase.JOB_PHASE_QUEUED && change.getActor().equals(Phases.WORKER))
        .count();
  }

  /** Fixes the base only now, so that a job builds upon what the one before it in the queue has unlearned. */
  private WorkerJob prepare() throws IOException, InterruptedException, JobFailedException, NotNowException {
    settings.workers().endLeft(tracked.directory());
    JobRecord record = tracked.record();
    if (Phases.works(record.job().getPhase())) {
      Instant now = Instant.now();
      stored(() -> tracked.changeWith(others, stored -> leaveEnded(stored, stored.job().getId().equals(tracked.id()))
          ? stored : stored.with(Phases.move(stored.job(), JobPhase.JOB_PHASE_QUEUED, Phases.SERVER,
              "the server that carried it out has ended", now).toBuilder().clearMergedInto().build())));
    }
    others = List.of();
    // What is wrong with its files is nothing that those have to do with that were carried out with it.
    requireFiles(record.job());
    String active = active(settings.registry(), record.job()).orElseThrow(NotServedException::new);
    ServedModel model = model(settings.registry(), record.job());
    ModelStore store = settings.registry().store();
    NavigableMap<String, Bundle> versions = store.versions(model.name());
    Bundle base = versions.get(active);
    if (base == null) {
      throw new JobFailedException("the active version " + active + " is not on disk any more", null);
    }
    String root = store.uri(model.root(base, versions)).toString();
    // What it is compared with may have been purged meanwhile.
    boolean sameBase = record.work().getBaseBundle().equals(store.uri(base).toString())
        && record.work().getRootBundle().equals(root) && !versions.containsKey(record.work().getNewVersion());
    List<TrackedJob> gathered = settings.merging().gather(tracked, base.card());
    if (!gathered.stream().map(TrackedJob::id).toList().equals(record.job().getMergedJobsList())) {
      // What was made of others' images goes with them.
      tracked.directory().clean(true);
    }
    tracked.directory().clear(!sameBase);
    WorkerJob work = sameBase ? record.work() : record.work().toBuilder()
        .setBaseBundle(store.uri(base).toString())
        .setRootBundle(root)
        .setNewVersion(VersionName.next(base.card().version(), model.taken()))
        .build();
    combined = settings.merging().combine(tracked, gathered, work);
    List<TrackedJob> merged = combined.others();
    tracked.directory().write(combined.work());
    tracked.release();
    Instant now = Instant.now();
    stored(() -> tracked.beginWith(merged, stored -> {
      boolean first = stored.job().getId().equals(tracked.id());
      Job moved = Phases.move(stored.job(), JobPhase.JOB_PHASE_INVERTING, Phases.SERVER, first ? "worker "
          + (stored.job().getAttempt() + 1) + " starts, from version " + base.card().version()
              + (merged.isEmpty() ? "" : ", for " + (merged.size() + 1) + " requests together")
          : "another job's run carries it out, too, from version " + base.card().version(), now);
      return new JobRecord(Merging.part(moved, tracked, merged).toBuilder().setBaseVersion(base.card().version())
          .build(), first ? work : stored.work(), stored.intent(), stored.request(), stored.sealedKey());
    }));
    others = merged;
    tracked.hold();
    return work;
  }

  /**
   * Sees to it that a job's files can be read here before a worker is started for them: what is out of reach says
   * nothing against the job, and what takes a job for failed deletes the key of its images.
   */
  private void requireFiles(Job job) throws IOException, JobFailedException, NotNowException {
    JobDirectory directory = tracked.directory();
    if (directory.isGone()) {
      if (job.getUnlearnImages() + job.getLearnImages() == 0 && directory.isParentThere()) {
        directory.make();
      } else if (settings.shared() || !directory.isParentThere()) {
        throw new NotNowException(directory.path() + " is not there; see to it that the folder of jobs is mounted, the"
            + " same on all servers of the database, or cancel the job");
      } else {
        throw new NoSuchFileException(directory.path().toString());
      }
    }
    if (!directory.hasImages(job)) {
      throw new JobFailedException("images of the job are missing in " + directory.path(), null);
    }
    Optional<byte[]> key;
    try {
      key = imageKey();
    } catch (IOException e) {
      throw new NotNowException("its images are encrypted under another key than this server has; start the server"
          + " with the one that it had (" + MasterKey.VARIABLE + ", or its file), or cancel the job");
    }
    if (key.isPresent() && job.getUnlearnImages() > 0) {
      directory.readImage(0, new FileCipher(key.get()));
    }
  }

  /** The version of a job's model that serves here; empty of a model that is unloaded, or that this server has not. */
  static Optional<String> active(ModelRegistry registry, Job job) {
    return registry.find(job.getSpec().getModel()).flatMap(ServedModel::activeVersion);
  }

  static ServedModel model(ModelRegistry registry, Job job) throws JobFailedException {
    try {
      return registry.model(job.getSpec().getModel());
    } catch (DomainException e) {
      throw new JobFailedException(e.getMessage(), e);
    }
  }

  /** One worker, from its start to its end; empty if it is done. */
  private Optional<TrackedJob.Stop> attempt() throws IOException, InterruptedException, JobFailedException {
    done = false;
    workersOwnReason = null;
    WorkerLauncher.Worker worker;
    Optional<byte[]> key = imageKey();
    try {
      worker = settings.workers().start(tracked.directory(), key);
    } catch (IOException e) {
      if (TakeOver.isTakenLater(e)) {
        throw e;
      }
      throw new JobFailedException("the worker cannot be started: " + e.getMessage(), e);
    }
    lastSign = System.nanoTime();
    ScheduledExecutorService watch = Executors.newSingleThreadScheduledExecutor(
        work -> new Thread(work, "lethe-worker-watch"));
    try {
      tracked.workerStarted(worker, settings.patience());
      watch.scheduleWithFixedDelay(this::watchWorker, 250, 250, TimeUnit.MILLISECONDS);
      worker.run(this::event);
    } finally {
      watch.shutdownNow();
    }
    Optional<TrackedJob.Stop> stop = tracked.stopped();
    if (worker.succeeded() && done && stop.map(asked -> asked.to() == JobPhase.JOB_PHASE_QUEUED).orElse(true)) {
      // It was faster than whoever asked it to end.
      return Optional.empty();
    }
    if (stop.isPresent()) {
      tracked.forgetStop();
      return stop;
    }
    if (workersOwnReason == null && worker.crashed()) {
      return Optional.of(new TrackedJob.Stop(JobPhase.JOB_PHASE_QUEUED, Phases.WORKER, failure(worker)));
    }
    if (workersOwnReason != null && isTrouble(workersOwnReason)) {
      throw new IOException(failure(worker));
    }
    throw new JobFailedException(failure(worker), null);
  }

  /** What a client calls its images is no word of the system's. */
  private boolean isTrouble(String said) {
    WorkerJob work = tracked.record().work();
    return TakeOver.isTrouble(work.getUnlearnNamesList().stream().anyMatch(TakeOver::isTrouble)
        ? ImageNames.of(work).without(said) : said);
  }

  /** Opens the key of the job's images; empty if it has none. */
  private Optional<byte[]> imageKey() throws IOException {
    String sealed = tracked.record().sealedKey();
    return sealed.isEmpty() ? Optional.empty() : Optional.of(settings.key().open(tracked.id(), sealed));
  }

  private void watchWorker() {
    if (System.nanoTime() - lastSign > settings.options().silence().toNanos()) {
      tracked.stop(new TrackedJob.Stop(JobPhase.JOB_PHASE_QUEUED, Phases.WORKER, "the worker has stood still for "
          + settings.options().silence().toSeconds() + " s (--worker-timeout) and was ended"), settings.patience());
    } else if (settings.cutOff().getAsBoolean()) {
      tracked.stop(new TrackedJob.Stop(JobPhase.JOB_PHASE_QUEUED, Phases.SERVER,
          "the database was out of reach for so long that another server may carry it on"), settings.patience());
    } else if (tracked.isLost()) {
      tracked.stop(new TrackedJob.Stop(JobPhase.JOB_PHASE_CANCELLED, Phases.SERVER, "it is carried on elsewhere"),
          settings.patience());
    } else if (Merging.hasLost(others)) {
      tracked.stop(new TrackedJob.Stop(JobPhase.JOB_PHASE_QUEUED, Phases.SERVER,
          "a job that it was carried out with has ended"), settings.patience());
    }
  }

  private void event(WorkerEvent event) {
    lastSign = System.nanoTime();
    switch (event.getEventCase()) {
      case PROGRESS -> {
        settings.metrics().progress(event.getProgress().getFraction());
        follow(phase(event.getProgress().getStage()));
        Merging.concat(tracked, others).forEach(job -> job.progress(event.getProgress()));
      }
      case REPORT -> report = event.getReport();
      case DONE -> done = true;
      case FAILURE -> workersOwnReason = event.getFailure().getMessage();
      // Of studies, which have workers of their own.
      case INSPECTION, PROJECTION, EVENT_NOT_SET -> { }
    }
  }

  /** Writes down that the worker has come to another part of its work, if it can be: it is no more than news. */
  private void follow(Optional<JobPhase> phase) {
    if (phase.isPresent() && Phases.follows(tracked.record().job().getPhase(), phase.get())) {
      try {
        moveAll(phase.get(), Phases.WORKER, "it has come so far", job -> { });
      } catch (StoreException | IllegalStateException e) {
        LOG.warn("job {} is {}, which cannot be written down: {}", tracked.id(), Phases.name(phase.get()),
            e.getMessage());
      }
    }
  }

  private static Optional<JobPhase> phase(String stage) {
    return switch (stage) {
      case "unlearning", "export" -> Optional.of(JobPhase.JOB_PHASE_UNLEARNING);
      case "audit", "measuring", "retraining" -> Optional.of(JobPhase.JOB_PHASE_AUDITING);
      default -> Optional.empty();
    };
  }

  private String failure(WorkerLauncher.Worker worker) {
    StringBuilder reason = new StringBuilder();
    if (workersOwnReason != null) {
      reason.append(workersOwnReason).append(" (the worker ").append(worker.end()).append(")");
    } else {
      reason.append("the worker ").append(worker.end());
      if (worker.succeeded()) {
        reason.append(" without having said that it was done");
      }
    }
    try {
      String log = tracked.directory().endOfLog();
      if (!log.isEmpty()) {
        reason.append("\nThe end of its log:\n").append(log);
      }
    } catch (IOException e) {
      reason.append("\nIts log cannot be read: ").append(e);
    }
    return reason.toString();
  }
}
