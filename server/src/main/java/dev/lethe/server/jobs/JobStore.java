package dev.lethe.server.jobs;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import com.google.protobuf.util.Timestamps;
import dev.lethe.server.jobs.JobRecord.Intent;
import dev.lethe.server.store.Database;
import dev.lethe.server.store.StoreException;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobPhase;
import dev.lethe.v1.JobState;
import dev.lethe.v1.WorkerJob;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;

/**
 * The jobs of a database. What a method returns without an exception is on the disk.
 *
 * <p>Blocks: not for event loops. Every method throws {@link StoreException} if the database cannot be used, and then
 * has changed nothing.
 */
public final class JobStore {

  private static final JsonFormat.Printer WRITE = JsonFormat.printer().omittingInsignificantWhitespace();
  private static final JsonFormat.Parser READ = JsonFormat.parser().ignoringUnknownFields();

  /** The number, of PostgreSQL's locks that an application gives a meaning to, for inserts of jobs. */
  private static final long INSERTS = 0x6c65746865L;
  /** The same for beginnings of runs; a model's own number is in the lower half. */
  private static final long BEGINNINGS = 0x6c657468L << Integer.SIZE;
  private static final String SELECT = "select job, work, intent, request_digest, sealed_key from jobs";

  private final Database database;

  public JobStore(Database database) {
    this.database = database;
  }

  /**
   * Keeps a new job, unless it is one that is kept already.
   *
   * @param commitments to its images to unlearn, in order
   * @param limit most jobs that may not have ended
   * @return the job that is kept for the request: this one, or one of the same client with the same key, or, where
   *     there is no key, one that has not ended and asks for the same; empty if there are too many
   */
  public Optional<JobRecord> insert(JobRecord record, List<Commitment> commitments, int limit) {
    return database.transaction(connection -> {
      alone(connection, INSERTS);
      Optional<JobRecord> same = same(connection, record);
      if (same.isPresent()) {
        return same;
      }
      if (countOpen(connection) >= limit) {
        return Optional.empty();
      }
      insert(connection, record);
      insert(connection, record.job().getId(), commitments);
      return Optional.of(record);
    });
  }

  /** On SQLite every transaction is alone; on PostgreSQL two of a kind would not see what the other writes. */
  private void alone(Connection connection, long kind) throws SQLException {
    if (database.isShared()) {
      try (PreparedStatement lock = connection.prepareStatement("select pg_advisory_xact_lock(?)")) {
        lock.setLong(1, kind);
        lock.execute();
      }
    }
  }

  private static Optional<JobRecord> same(Connection connection, JobRecord record) throws SQLException {
    String key = record.job().getSpec().getRequestKey();
    try (PreparedStatement select = connection.prepareStatement(SELECT + (key.isEmpty()
        ? " where submitted_by = ? and request_digest = ? and ended is null"
        : " where submitted_by = ? and request_key = ?"))) {
      select.setString(1, record.job().getSubmittedBy());
      select.setString(2, key.isEmpty() ? record.request() : key);
      return read(select).stream().findFirst();
    }
  }

  private static long countOpen(Connection connection) throws SQLException {
    try (PreparedStatement select = connection.prepareStatement("select count(*) from jobs where ended is null");
        ResultSet row = select.executeQuery()) {
      row.next();
      return row.getLong(1);
    }
  }

  /** How many have not ended. */
  public long countOpen() {
    return database.transaction(JobStore::countOpen);
  }

  /** Whether a client has a job that has not ended. */
  public boolean hasOpen(String client) {
    return isAny("submitted_by = ? and ended is null", client);
  }

  /** @param condition with one parameter */
  private boolean isAny(String condition, String value) {
    return database.transaction(connection -> {
      try (PreparedStatement select = connection.prepareStatement("select 1 from jobs where " + condition)) {
        select.setString(1, value);
        try (ResultSet row = select.executeQuery()) {
          return row.next();
        }
      }
    });
  }

  private static void insert(Connection connection, JobRecord record) throws SQLException {
    try (PreparedStatement insert = connection.prepareStatement("insert into jobs (model, phase, state, submitted,"
        + " submitted_by, ended, attempt, intent, job, work, request_key, request_digest, sealed_key, id,"
        + " revision) values (?,?,?,?,?,?,?,?,?,?,?,?,?,?,0)")) {
      fill(insert, record);
      insert.executeUpdate();
    }
  }

  private static void insert(Connection connection, String id, List<Commitment> commitments) throws SQLException {
    try (PreparedStatement insert = connection.prepareStatement(
        "insert into job_commitments (job, number, salt, sha256) values (?,?,?,?)")) {
      for (int i = 0; i < commitments.size(); i++) {
        insert.setString(1, id);
        insert.setInt(2, i);
        insert.setString(3, commitments.get(i).salt());
        insert.setString(4, commitments.get(i).sha256());
        insert.addBatch();
      }
      insert.executeBatch();
    }
  }

  /** Commitments to the images that a job was to unlearn, in the order in which they were taken. */
  public List<Commitment> commitments(String id) {
    return database.transaction(connection -> {
      List<Commitment> commitments = new ArrayList<>();
      try (PreparedStatement select = connection.prepareStatement(
          "select salt, sha256 from job_commitments where job = ? order by number")) {
        select.setString(1, id);
        try (ResultSet row = select.executeQuery()) {
          while (row.next()) {
            commitments.add(new Commitment(row.getString(1), row.getString(2)));
          }
        }
      }
      return commitments;
    });
  }

  /**
   * Changes a job, seen as it is, by nobody else meanwhile.
   *
   * @param change the job as it shall be; the same object for no change; what it throws leaves the job as it is
   * @return the job as it is now; empty if there is no such job
   */
  public Optional<JobRecord> change(String id, UnaryOperator<JobRecord> change) {
    return database.transaction(changing(id, change));
  }

  /** The same as part of a transaction of somebody else's. */
  public Database.Work<Optional<JobRecord>> changing(String id, UnaryOperator<JobRecord> change) {
    return connection -> {
      Optional<JobRecord> found = find(connection, id, database.isShared() ? " for update" : "");
      if (found.isEmpty()) {
        return found;
      }
      JobRecord changed = change.apply(found.get());
      if (changed != found.get()) {
        update(connection, changed);
      }
      return Optional.of(changed);
    };
  }

  /**
   * Changes several jobs at once: all or none.
   *
   * @param ids in any order; locks are taken in theirs, whoever asks
   * @param change the jobs as they shall be, by id, of all that are there; what it throws leaves them as they are
   * @return the jobs as they are now, by id
   */
  public Map<String, JobRecord> changeAll(Collection<String> ids, UnaryOperator<Map<String, JobRecord>> change) {
    return database.transaction(connection -> changeAll(connection, ids, change));
  }

  private Map<String, JobRecord> changeAll(Connection connection, Collection<String> ids,
      UnaryOperator<Map<String, JobRecord>> change) throws SQLException {
    Map<String, JobRecord> found = new TreeMap<>();
    for (String id : new TreeSet<>(ids)) {
      find(connection, id, database.isShared() ? " for update" : "").ifPresent(record -> found.put(id, record));
    }
    Map<String, JobRecord> changed = change.apply(Map.copyOf(found));
    for (Map.Entry<String, JobRecord> job : changed.entrySet()) {
      if (job.getValue() != found.get(job.getKey())) {
        update(connection, job.getValue());
      }
    }
    return changed;
  }

  /**
   * {@link #changeAll}, where a run begins: two at once would make two versions from one, of which either lacks what
   * the other has unlearned.
   *
   * @throws IllegalStateException if another job of the model is at work, on whichever server
   */
  public Map<String, JobRecord> begin(String model, Collection<String> ids,
      UnaryOperator<Map<String, JobRecord>> change) {
    return database.transaction(connection -> {
      alone(connection, BEGINNINGS | Integer.toUnsignedLong(model.hashCode()));
      try (PreparedStatement select = connection.prepareStatement("select id from jobs where model = ? and phase <> ?"
          + " and ended is null")) {
        select.setString(1, model);
        select.setString(2, JobPhase.JOB_PHASE_QUEUED.name());
        try (ResultSet row = select.executeQuery()) {
          while (row.next()) {
            if (!ids.contains(row.getString(1))) {
              throw new IllegalStateException("job " + row.getString(1) + " of " + model + " is at work");
            }
          }
        }
      }
      return changeAll(connection, ids, change);
    });
  }

  private static void update(Connection connection, JobRecord record) throws SQLException {
    try (PreparedStatement update = connection.prepareStatement("update jobs set model = ?, phase = ?, state = ?,"
        + " submitted = ?, submitted_by = ?, ended = ?, attempt = ?, intent = ?, job = ?, work = ?,"
        + " request_key = ?, request_digest = ?, sealed_key = ?, cleaned = null, revision = revision + 1 where id = "
        + "?")) {
      fill(update, record);
      update.executeUpdate();
    }
  }

  private static void fill(PreparedStatement statement, JobRecord record) throws SQLException {
    Job job = record.job();
    statement.setString(1, job.getSpec().getModel());
    statement.setString(2, job.getPhase().name());
    statement.setString(3, job.getState().name());
    statement.setLong(4, Timestamps.toMillis(job.getSubmitted()));
    statement.setString(5, job.getSubmittedBy());
    if (Phases.hasEnded(job)) {
      statement.setLong(6, Timestamps.toMillis(job.getEnded()));
    } else {
      statement.setNull(6, Types.BIGINT);
    }
    statement.setInt(7, job.getAttempt());
    statement.setString(8, record.intent().name());
    statement.setString(9, write(Phases.hasEnded(job) ? job : job.toBuilder().clearProgress().build()));
    statement.setString(10, write(record.work()));
    statement.setString(11, job.getSpec().getRequestKey().isEmpty() ? null : job.getSpec().getRequestKey());
    statement.setString(12, record.request());
    statement.setString(13, record.sealedKey().isEmpty() ? null : record.sealedKey());
    statement.setString(14, job.getId());
  }

  public Optional<JobRecord> find(String id) {
    return database.transaction(connection -> find(connection, id, ""));
  }

  private static Optional<JobRecord> find(Connection connection, String id, String lock) throws SQLException {
    try (PreparedStatement select = connection.prepareStatement(SELECT + " where id = ?"
        + lock)) {
      select.setString(1, id);
      return read(select).stream().findFirst();
    }
  }

  /** Those that have not ended, the oldest first. */
  public List<JobRecord> open() {
    return database.transaction(connection -> {
      try (PreparedStatement select = connection.prepareStatement(SELECT + " where ended is null"
          + " order by submitted, id")) {
        return read(select);
      }
    });
  }

  /** Those that an operator has approved, and that were not seen to serve yet. */
  public List<JobRecord> approved() {
    return database.transaction(connection -> {
      try (PreparedStatement select = connection.prepareStatement(SELECT + " where phase = ? and intent = ?")) {
        select.setString(1, JobPhase.JOB_PHASE_AWAITING_APPROVAL.name());
        select.setString(2, Intent.PROMOTE.name());
        return read(select);
      }
    });
  }

  /** Whether a job has ended, and its files were not seen to be gone since. */
  public boolean isUncleaned(String id) {
    return isAny("id = ? and ended is not null and cleaned is null", id);
  }

  /** Those that have ended, and whose files were not seen to be gone since. */
  public List<JobRecord> uncleaned() {
    return database.transaction(connection -> {
      try (PreparedStatement select = connection.prepareStatement(SELECT
          + " where ended is not null and cleaned is null")) {
        return read(select);
      }
    });
  }

  /**
   * Writes down that the files of a job are gone, as far as they are to go; and forgets their key, and what its client
   * called its images.
   *
   * @param keepKey whether its images are kept
   */
  public void cleaned(String id, Instant time, boolean keepKey) {
    if (!keepKey && !forget(id, Phases::hasEnded)) {
      return;
    }
    database.transaction(connection -> {
      try (PreparedStatement update = connection.prepareStatement(
          "update jobs set cleaned = ? where id = ? and ended is not null")) {
        update.setLong(1, time.toEpochMilli());
        update.setString(2, id);
        return update.executeUpdate();
      }
    });
  }

  /**
   * Nothing of it is left in the journal, either.
   *
   * @param over what a job must be
   * @return false if there is no such job, or it is not so, since it goes on by now
   */
  private boolean forget(String id, Predicate<Job> over) {
    boolean forgotten = database.transaction(connection -> {
      Optional<JobRecord> ended = find(connection, id, database.isShared() ? " for update" : "")
          .filter(record -> over.test(record.job()));
      if (ended.isPresent()) {
        update(connection, ended.get().withoutKey());
      }
      return ended.isPresent();
    });
    database.emptyJournal();
    return forgotten;
  }

  /** Ids of jobs that ended before a time, and of which nothing is to be decided any more. */
  public List<String> endedBefore(Instant time) {
    return database.transaction(connection -> {
      List<String> ids = new ArrayList<>();
      try (PreparedStatement select = connection.prepareStatement(
          "select id from jobs where ended < ? and phase <> ? order by ended")) {
        select.setLong(1, time.toEpochMilli());
        select.setString(2, JobPhase.JOB_PHASE_AWAITING_APPROVAL.name());
        try (ResultSet row = select.executeQuery()) {
          while (row.next()) {
            ids.add(row.getString(1));
          }
        }
      }
      return ids;
    });
  }

  /**
   * Jobs of which the columns say something else than the job itself, by id: whoever looks by columns would pass them
   * over.
   */
  public List<String> mislabelled() {
    return database.transaction(connection -> {
      List<String> ids = new ArrayList<>();
      try (PreparedStatement select = connection.prepareStatement(
          "select id, model, phase, state, submitted, submitted_by, ended, job from jobs order by submitted, id");
          ResultSet row = select.executeQuery()) {
        while (row.next()) {
          Job job = parse(row.getString(8), Job.newBuilder()).build();
          boolean ended = row.getObject(7) != null;
          if (!job.getId().equals(row.getString(1)) || !job.getSpec().getModel().equals(row.getString(2))
              || !job.getPhase().name().equals(row.getString(3)) || !job.getState().name().equals(row.getString(4))
              || Timestamps.toMillis(job.getSubmitted()) != row.getLong(5)
              || !job.getSubmittedBy().equals(row.getString(6)) || ended != Phases.hasEnded(job)) {
            ids.add(row.getString(1));
          }
        }
      }
      return ids;
    });
  }

  /** How many of a model go before a job that waits: those at work, and older ones. */
  public int before(Job job) {
    return database.transaction(connection -> {
      try (PreparedStatement select =
          connection.prepareStatement("select count(*) from jobs where model = ? and ended is null and id <> ?"
          + " and (phase <> ? or submitted < ? or submitted = ? and id < ?)")) {
        select.setString(1, job.getSpec().getModel());
        select.setString(2, job.getId());
        select.setString(3, JobPhase.JOB_PHASE_QUEUED.name());
        select.setLong(4, Timestamps.toMillis(job.getSubmitted()));
        select.setLong(5, Timestamps.toMillis(job.getSubmitted()));
        select.setString(6, job.getId());
        try (ResultSet row = select.executeQuery()) {
          row.next();
          return row.getInt(1);
        }
      }
    });
  }

  /**
   * Whose turn it is of a model's jobs that have not ended: the one that is at work, although it may be younger than
   * one that was retried; else the oldest.
   */
  public Optional<String> first(String model) {
    return database.transaction(connection -> {
      try (PreparedStatement select =
          connection.prepareStatement("select id from jobs where model = ? and ended is null"
          + " order by case when phase = ? then 1 else 0 end, submitted, id limit 1")) {
        select.setString(1, model);
        select.setString(2, JobPhase.JOB_PHASE_QUEUED.name());
        try (ResultSet row = select.executeQuery()) {
          return row.next() ? Optional.of(row.getString(1)) : Optional.empty();
        }
      }
    });
  }

  /**
   * One page of jobs, the newest first.
   *
   * @param model only of this one; empty: of all
   * @param states only in these; none: in any
   * @param after only those that are older than this job; empty: from the newest on
   * @param limit most jobs
   */
  public List<JobRecord> list(String model, Collection<JobState> states, Optional<Job> after, int limit) {
    StringBuilder sql = new StringBuilder(SELECT + " where 1 = 1");
    List<Object> values = new ArrayList<>();
    if (!model.isEmpty()) {
      sql.append(" and model = ?");
      values.add(model);
    }
    if (!states.isEmpty()) {
      sql.append(" and state in (").append("?,".repeat(states.size() - 1)).append("?)");
      states.forEach(state -> values.add(state.name()));
    }
    after.ifPresent(job -> {
      sql.append(" and (submitted < ? or submitted = ? and id < ?)");
      values.add(Timestamps.toMillis(job.getSubmitted()));
      values.add(Timestamps.toMillis(job.getSubmitted()));
      values.add(job.getId());
    });
    sql.append(" order by submitted desc, id desc limit ?");
    values.add(limit);
    return database.transaction(connection -> {
      try (PreparedStatement select = connection.prepareStatement(sql.toString())) {
        for (int i = 0; i < values.size(); i++) {
          select.setObject(i + 1, values.get(i));
        }
        return read(select);
      }
    });
  }

  /** How many jobs there are in each state. */
  public Map<JobState, Long> counts() {
    return database.transaction(connection -> {
      Map<JobState, Long> counts = new EnumMap<>(JobState.class);
      try (PreparedStatement select = connection.prepareStatement("select state, count(*) from jobs group by state");
          ResultSet row = select.executeQuery()) {
        while (row.next()) {
          counts.put(JobState.valueOf(row.getString(1)), row.getLong(2));
        }
      }
      return counts;
    });
  }

  /**
   * Deletes a job of which nothing is to be done or decided, in the journal, too.
   *
   * @return false if there is no such job
   */
  public boolean delete(String id) {
    // What must not stay goes first: if the journal cannot be emptied just now, the job is there to be deleted again.
    if (!forget(id, Phases::isSettled)) {
      return false;
    }
    boolean deleted = database.transaction(connection -> {
      try (PreparedStatement delete = connection.prepareStatement(
          "delete from jobs where id = ? and ended is not null and phase <> ?")) {
        delete.setString(1, id);
        delete.setString(2, JobPhase.JOB_PHASE_AWAITING_APPROVAL.name());
        return delete.executeUpdate() > 0;
      }
    });
    database.emptyJournal();
    return deleted;
  }

  private static List<JobRecord> read(PreparedStatement select) throws SQLException {
    List<JobRecord> records = new ArrayList<>();
    try (ResultSet row = select.executeQuery()) {
      while (row.next()) {
        records.add(new JobRecord(parse(row.getString(1), Job.newBuilder()).build(),
            parse(row.getString(2), WorkerJob.newBuilder()).build(), Intent.valueOf(row.getString(3)),
            row.getString(4), Optional.ofNullable(row.getString(5)).orElse("")));
      }
    }
    return records;
  }

  private static String write(Message message) {
    try {
      return WRITE.print(message);
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("a message without a JSON form", e);
    }
  }

  private static <B extends Message.Builder> B parse(String json, B into) throws SQLException {
    try {
      READ.merge(json, into);
      return into;
    } catch (InvalidProtocolBufferException e) {
      throw new SQLException("a job in the database cannot be read: " + e.getMessage(), e);
    }
  }
}
