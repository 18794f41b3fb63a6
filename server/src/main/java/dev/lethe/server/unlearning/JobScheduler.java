package dev.lethe.server.unlearning;

import com.github.kagkarlsson.scheduler.Scheduler;
import com.github.kagkarlsson.scheduler.SchedulerName;
import com.github.kagkarlsson.scheduler.task.CompletionHandler;
import com.github.kagkarlsson.scheduler.task.FailureHandler;
import com.github.kagkarlsson.scheduler.task.TaskDescriptor;
import com.github.kagkarlsson.scheduler.task.helper.CustomTask;
import com.github.kagkarlsson.scheduler.task.helper.Tasks;
import dev.lethe.server.threads.ThreadPriority;
import dev.lethe.server.store.Database;
import java.sql.PreparedStatement;
import java.time.Duration;
import java.time.Instant;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whose turn it is: db-scheduler's table has an entry for each job that has something to do, and gives it to one server
 * at a time, which shows by heartbeats that it is alive. A job whose server shows none any more is given to another.
 */
final class JobScheduler implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(JobScheduler.class);

  private static final TaskDescriptor<Void> JOB = TaskDescriptor.of("unlearn");
  private static final Duration POLL = Duration.ofSeconds(1);
  private static final int MISSED_HEARTBEATS = 4;
  /** Between looks whether a job's turn has come, while another server works on the same model. */
  private static final Duration NOT_YET = Duration.ofSeconds(1);
  private static final Duration AFTER_FAULT = Duration.ofSeconds(10);
  private static final Duration STOPPING = Duration.ofSeconds(15);

  private final Database database;
  private final Scheduler scheduler;
  private boolean started;

  /** Carries a job out. */
  interface Turn {
    /** @return whether there is nothing left to do for it; else it is given again */
    boolean take(String id) throws InterruptedException;
  }

  /** @param heartbeat between signs that this server is alive; four that miss are taken for its end */
  JobScheduler(Database database, Duration heartbeat, Turn turn) {
    this.database = database;
    CustomTask<Void> task = Tasks.custom(JOB)
        .onFailure(new FailureHandler.OnFailureRetryLater<>(AFTER_FAULT))
        .execute((instance, context) -> completion(turn, instance.getId()));
    // A name of its own for each start: what an earlier one of this machine was given is not this one's.
    this.scheduler = Scheduler.create(database.source(), task)
        .schedulerName(new SchedulerName.Fixed(UUID.randomUUID().toString()))
        .threads(1)
        .pollingInterval(POLL)
        .heartbeatInterval(heartbeat)
        .missedHeartbeatsLimit(MISSED_HEARTBEATS)
        .shutdownMaxWait(STOPPING)
        .enableImmediateExecution()
        .build();
  }

  private static CompletionHandler<Void> completion(Turn turn, String id) {
    Duration again = NOT_YET;
    ThreadPriority.giveWay();
    try {
      if (turn.take(id)) {
        return new CompletionHandler.OnCompleteRemove<>();
      }
    } catch (InterruptedException e) {
      // The server ends; the next one shall not wait.
      again = Duration.ZERO;
      Thread.currentThread().interrupt();
    } catch (RuntimeException e) {
      LOG.error("job {} met a fault of this server", id, e);
      throw e;
    }
    Instant next = Instant.now().plus(again);
    return (complete, operations) -> operations.reschedule(complete, next);
  }

  /** Begins to give jobs out. */
  void start() {
    if (!database.isShared()) {
      // Nobody else can be at work on them: the folder is this server's alone.
      database.transaction(connection -> {
        try (PreparedStatement free = connection.prepareStatement(
            "update scheduled_tasks set picked = ?, picked_by = null, last_heartbeat = null where picked = ?")) {
          free.setBoolean(1, false);
          free.setBoolean(2, true);
          return free.executeUpdate();
        }
      });
    }
    scheduler.start();
    started = true;
  }

  /** Puts a job into the queue, if it is not there. */
  void add(String id) {
    scheduler.scheduleIfNotExists(JOB.instance(id).build(), Instant.now());
  }

  /** Lets the turn that is under way come to its end, for a while, and gives out no more. */
  @Override
  public void close() {
    if (started) {
      scheduler.stop();
    }
  }
}
