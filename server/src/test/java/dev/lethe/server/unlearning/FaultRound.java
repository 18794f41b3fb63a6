package dev.lethe.server.unlearning;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.lethe.models.bundle.Bundle;
import dev.lethe.server.AuditCommand;
import dev.lethe.server.ServerProcess;
import dev.lethe.server.TinyBundles;
import dev.lethe.server.Until;
import dev.lethe.server.jobs.Phases;
import dev.lethe.server.store.DatabaseUrl;
import dev.lethe.v1.ApproveJobRequest;
import dev.lethe.v1.Gates;
import dev.lethe.v1.GenerateRequest;
import dev.lethe.v1.GenerationServiceGrpc;
import dev.lethe.v1.ImageRole;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobChange;
import dev.lethe.v1.JobPhase;
import dev.lethe.v1.ListJobsRequest;
import dev.lethe.v1.UnlearnSpec;
import dev.lethe.v1.UnlearningServiceGrpc;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** One server or two with folders of their own, their jobs, and what befalls them. */
final class FaultRound implements AutoCloseable {

  /** Who is killed. */
  enum Victim { SERVER, WORKER, BOTH, SERVER_BY_SIGTERM }

  /** How jobs are carried out. */
  enum Jobs {
    /** By a script that speaks the worker's protocol, in a second. */
    PROTOCOL,
    /** By the worker itself, with as little work as there can be. */
    REAL
  }

  /** Who promotes. */
  enum Promotion {
    /** One server, by itself. */
    GATES,
    /** Operators, who approve or reject at random; on a shared database, on two servers. */
    OPERATORS
  }

  private static final long LONGEST_END_S = 600;
  private static final long LONGEST_WAIT_S = 60;
  private static final int LOOK_MS = 20;
  /** More than those that are under way: looks must not cost what they look at. */
  private static final int NEWEST = 4;
  /** For which a server is stopped between any two of its steps: longer than others take it for alive. */
  private static final int LONGEST_PAUSE_MS = 8000;
  /** In which a server that lives serves what another has promoted. */
  private static final long FOLLOWED_WITHIN_S = 35;
  /** Where a kill may strike; that the first of them is the phase of a job that waits says: at any moment. */
  private static final List<JobPhase> MOMENTS = List.of(JobPhase.JOB_PHASE_QUEUED, JobPhase.JOB_PHASE_INVERTING,
      JobPhase.JOB_PHASE_UNLEARNING, JobPhase.JOB_PHASE_AUDITING, JobPhase.JOB_PHASE_CANDIDATE);

  private final Path at;
  private final DatabaseUrl url;
  private final String name;
  private final Jobs kind;
  private final Promotion promotion;
  private final List<String> settings;
  private final Set<String> accepted = new LinkedHashSet<>();
  private final Map<Victim, Integer> kills = new TreeMap<>();
  private final Map<String, Integer> struck = new TreeMap<>();
  private final AtomicReferenceArray<ServerProcess> servers;
  private List<String> java = List.of();
  private long images;
  private int pauses;
  private FaultOperators operators;

  FaultRound(Path at, DatabaseUrl url, Jobs kind, Promotion promotion) throws IOException {
    this.url = url;
    this.promotion = promotion;
    this.servers = new AtomicReferenceArray<>(promotion == Promotion.OPERATORS && url.isShared() ? 2 : 1);
    this.at = Files.createDirectories(at);
    this.name = url.isShared() ? "PostgreSQL" : "SQLite";
    this.kind = kind;
    TinyBundles.smallest(at.resolve("models"), "v1");
    this.settings = List.of("--database=" + url.text(), "--worker-command=" + worker(), "--worker-attempts=1000",
        "--job-heartbeat=1", "--drain=1", "--threads=1",
        "--approval=" + (promotion == Promotion.OPERATORS ? "operator" : "automatic"));
  }

  private String worker() throws IOException {
    if (kind == Jobs.REAL) {
      return System.getProperty("lethe.faults.worker");
    }
    Path worker = at.resolve("quick-worker.sh");
    try (InputStream script = FaultRound.class.getResourceAsStream("quick-worker.sh")) {
      Files.copy(script, worker);
    }
    return "sh \"" + worker + "\"";
  }

  /** @param more options of the servers' Java virtual machines */
  void start(String... more) throws IOException {
    java = Stream.concat(Stream.of("-XX:+UseSerialGC", "-Xmx256m"), Stream.of(more)).toList();
    for (int i = 0; i < servers.length(); i++) {
      restart(i);
    }
  }

  private void restart(int which) throws IOException {
    List<String> options = new ArrayList<>(java);
    Stream.of(System.getProperty("lethe.faults.java", "").split(" ")).filter(Predicate.not(String::isEmpty))
        .forEach(options::add);
    servers.set(which, ServerProcess.start(at,
        System.getProperty("lethe.faults.class-path", System.getProperty("java.class.path")), options, settings));
  }

  /** The first. */
  ServerProcess server() {
    return servers.get(0);
  }

  /** Strikes at random, as often as asked for, while there are always {@code atOnce} jobs. */
  void strike(int times, int atOnce, Random random) throws Exception {
    if (promotion == Promotion.OPERATORS) {
      operators = new FaultOperators(servers.length(), servers::get, random.nextLong());
    }
    for (int kill = 0; kill < times; kill++) {
      while (open().size() < atOnce) {
        submit();
      }
      int which = random.nextInt(servers.length());
      Victim victim = Victim.values()[random.nextInt(Victim.values().length)];
      if (promotion == Promotion.OPERATORS && random.nextBoolean()) {
        operators.awaitDecision(LONGEST_WAIT_S);
        Thread.sleep(random.nextInt(200));
        if (random.nextBoolean()) {
          pause(which, random.nextInt(LONGEST_PAUSE_MS));
        }
      } else {
        JobPhase moment = MOMENTS.get(random.nextInt(MOMENTS.size()));
        await(moment);
        Thread.sleep(random.nextInt(moment == JobPhase.JOB_PHASE_QUEUED ? 2500
            : moment == JobPhase.JOB_PHASE_CANDIDATE ? 120 : 600));
      }
      strike(victim, which);
    }
  }

  /** Stops a server where it is; its connections stay, its locks as well, and another may take it for dead. */
  private void pause(int which, int milliseconds) throws IOException, InterruptedException {
    pauses++;
    signal("STOP", which);
    Thread.sleep(milliseconds);
    signal("CONT", which);
  }

  private void signal(String name, int which) throws IOException, InterruptedException {
    assertEquals(0, new ProcessBuilder("kill", "-" + name, Long.toString(servers.get(which).process().pid()))
        .inheritIO().start().waitFor());
  }

  /** Waits until a job is in a phase; but not for ever, since it may be over when it is looked at. */
  private void await(JobPhase moment) throws InterruptedException {
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(LONGEST_WAIT_S);
    while (moment != JobPhase.JOB_PHASE_QUEUED && System.nanoTime() < limit
        && newest().stream().noneMatch(job -> job.getPhase() == moment && !Phases.hasEnded(job))) {
      Thread.sleep(LOOK_MS);
    }
  }

  private void strike(Victim chosen, int which) throws Exception {
    String phase = jobs().values().stream().filter(job -> !Phases.isSettled(job)).map(Job::getPhase)
        .max((a, b) -> Integer.compare(a.getNumber(), b.getNumber())).map(Phases::name).orElse("idle");
    List<ProcessHandle> workers = workers();
    // Where there is no worker, none is killed, and it would count: then the server is.
    Victim victim = workers.isEmpty() && chosen != Victim.SERVER_BY_SIGTERM ? Victim.SERVER : chosen;
    struck.merge(phase, 1, Integer::sum);
    kills.merge(victim, 1, Integer::sum);
    ServerProcess server = servers.get(which);
    if (victim == Victim.SERVER_BY_SIGTERM) {
      server.process().destroy();
      assertTrue(server.process().waitFor(120, TimeUnit.SECONDS), "it does not heed SIGTERM");
    } else {
      if (victim != Victim.WORKER) {
        server.process().destroyForcibly().waitFor();
      }
      if (victim != Victim.SERVER) {
        workers.forEach(ProcessHandle::destroyForcibly);
      }
    }
    if (victim != Victim.WORKER) {
      server.close();
      restart(which);
    }
  }

  /** Kills the server, where somebody knows already what it is at, and starts it again. */
  void killAndRestart(String where) throws Exception {
    struck.merge(where, 1, Integer::sum);
    kills.merge(Victim.SERVER, 1, Integer::sum);
    server().process().destroyForcibly().waitFor();
    server().close();
    restart(0);
  }

  /** Processes that were started with a job's folder. */
  private List<ProcessHandle> workers() {
    return ProcessHandle.allProcesses().filter(process -> process.info().arguments()
        .filter(words -> Arrays.stream(words).anyMatch(word -> word.startsWith(at.resolve("jobs").toString() + "/")))
        .isPresent()).toList();
  }

  String submit() {
    UnlearnSpec spec = UnlearnSpec.newBuilder().setIterations(kind == Jobs.REAL ? 12 : 1).setBatch(4)
        .setGates(Gates.newBuilder().setPromoteNotForgotten(true)).build();
    String id = Submission.send(server().channel(), Submission.of(spec), Submission.images(ImageRole.IMAGE_ROLE_UNLEARN,
        Submission.labelled(Submission.pixels(images++), "one"))).orTimeout(120, TimeUnit.SECONDS).join().getId();
    accepted.add(id);
    return id;
  }

  private Map<String, Job> jobs() {
    return UnlearningServiceGrpc.newBlockingStub(server().channel()).listJobs(ListJobsRequest.getDefaultInstance())
        .getJobsList().stream().collect(Collectors.toMap(Job::getId, Function.identity()));
  }

  private List<Job> newest() {
    return UnlearningServiceGrpc.newBlockingStub(server().channel()).listJobs(
        ListJobsRequest.newBuilder().setPageSize(NEWEST).build()).getJobsList();
  }

  private List<String> open() {
    return jobs().values().stream().filter(job -> !Phases.isSettled(job)).map(Job::getId).toList();
  }

  /** Orders a promotion as soon as a job awaits it, and does not wait for it. */
  void approve() throws Exception {
    String awaiting;
    do {
      Thread.sleep(LOOK_MS);
      awaiting = newest().stream().filter(job -> job.getPhase() == JobPhase.JOB_PHASE_AWAITING_APPROVAL)
          .map(Job::getId).findAny().orElse("");
    } while (awaiting.isEmpty());
    UnlearningServiceGrpc.newFutureStub(server().channel()).approveJob(ApproveJobRequest.newBuilder()
        .setJobId(awaiting).build());
  }

  /** The same as {@link #check}, where nobody rejects anything. */
  void checkPromoted() throws Exception {
    check();
    jobs().values().forEach(job -> assertTrue(job.getPromoted(), job::toString));
  }

  /** Waits for the end of all jobs, and sees to it that nothing is lost, double, damaged or left. */
  void check() throws Exception {
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(LONGEST_END_S);
    while (!open().isEmpty()) {
      if (System.nanoTime() > limit) {
        fail("not ended after " + LONGEST_END_S + " s: " + jobs() + "\n" + Files.readString(server().log()));
      }
      Thread.sleep(200);
    }
    Map<String, Job> jobs = jobs();
    assertTrue(jobs.keySet().containsAll(accepted), () -> "lost: " + accepted + " is not in " + jobs.keySet());
    Map<String, String> promoted = new HashMap<>();
    Set<String> versions = new HashSet<>();
    for (Job job : jobs.values()) {
      List<JobPhase> phases = job.getChangesList().stream().map(JobChange::getPhase).toList();
      JobPhase end = promotion == Promotion.OPERATORS && !job.getPromoted() ? JobPhase.JOB_PHASE_REJECTED
          : JobPhase.JOB_PHASE_PROMOTED;
      assertEquals(end, job.getPhase(), job::toString);
      assertEquals(job.getPromoted() ? 1 : 0,
          phases.stream().filter(phase -> phase == JobPhase.JOB_PHASE_PROMOTED).count(), job::toString);
      assertTrue(versions.add(job.getNewVersion()), job::toString);
      if (job.getPromoted()) {
        promoted.put(job.getNewVersion(), job.getBaseVersion());
      }
    }
    String newest = promoted.keySet().stream().filter(Predicate.not(promoted::containsValue)).findAny().orElse("v1");
    for (int i = 0; i < servers.length(); i++) {
      serves(servers.get(i), newest);
    }
    // Each was made from the one before it: a chain, of which no link is lost or double.
    Set<String> chain = new HashSet<>();
    for (String version = newest; !version.equals("v1"); version = promoted.get(version)) {
      assertTrue(promoted.containsKey(version), version + " is of no job");
      assertTrue(chain.add(version));
      Bundle.open(at.resolve("state/tiny").resolve(version)).verify();
    }
    assertEquals(promoted.keySet(), chain);
    if (operators != null) {
      operators.check(jobs, promoted::get, newest);
    }
    try (Stream<Path> bundles = Files.list(at.resolve("state/tiny"))) {
      assertEquals(versions, bundles.filter(Files::isDirectory).map(path -> path.getFileName().toString())
          .collect(Collectors.toSet()), "a version of no job");
    }
    assertEquals(List.of(), workers().stream().map(process -> process.info().toString()).toList(), "orphans");
    List<String> left = new ArrayList<>();
    try (Stream<Path> files = Files.walk(at.resolve("jobs"))) {
      files.filter(path -> path.getFileName().toString().startsWith(".upload-")
          || Set.of("candidate", "checkpoint", "session", "unlearn").contains(path.getFileName().toString()))
          .forEach(path -> left.add(path.toString()));
    }
    assertEquals(List.of(), left);
    // Written a moment after the end is told.
    Until.holds(() -> jobs.keySet().stream().allMatch(id -> endsInEventLog(id) > 0));
    jobs.keySet().forEach(id -> assertEquals(1, endsInEventLog(id), id + " has so many ends in the event log"));
    // What was promoted is certified, nothing else is, and the log tells of all that, each line after the one before.
    assertEquals(0, AuditCommand.commandLine().execute("verify", "--quiet", "--models=" + at.resolve("models"),
        "--state=" + at.resolve("state"), "--jobs=" + at.resolve("jobs"), "--database=" + url.text()));
  }

  /** By itself, or once it has seen what another has promoted. */
  private static void serves(ServerProcess server, String version) throws InterruptedException {
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(FOLLOWED_WITHIN_S);
    String served;
    while (!(served = GenerationServiceGrpc.newBlockingStub(server.channel())
        .generate(GenerateRequest.getDefaultInstance()).getVersion()).equals(version)) {
      if (System.nanoTime() > limit) {
        fail(served + " serves, and not " + version + ", which was promoted last");
      }
      Thread.sleep(LOOK_MS);
    }
  }

  private long endsInEventLog(String id) {
    try (Connection connection = DriverManager.getConnection(url.text());
        PreparedStatement select = connection.prepareStatement(
            "select count(*) from events where kind = 'job' and line like ?")) {
      select.setString(1, "%" + id + "%");
      try (ResultSet row = select.executeQuery()) {
        row.next();
        return row.getLong(1);
      }
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  /** What befell it, in a line of columns between tabs. */
  String line(long seed, double seconds) {
    Map<String, Job> jobs = jobs();
    long resumed = jobs.values().stream()
        .filter(job -> job.getReport().getNotesList().stream().anyMatch(note -> note.contains("carried"))).count();
    return String.join("\t", name, kind.name(), promotion.name(), Long.toString(seed),
        Stream.of(Victim.values()).map(victim -> kills.getOrDefault(victim, 0).toString())
            .collect(Collectors.joining("\t")), Integer.toString(pauses),
        struck.toString(), Integer.toString(accepted.size()),
        Integer.toString(jobs.values().stream().mapToInt(Job::getAttempt).sum()), Long.toString(resumed),
        Long.toString(jobs.values().stream().filter(Job::getPromoted).count()),
        String.format("%.0f", seconds));
  }

  int kills() {
    return kills.values().stream().mapToInt(Integer::intValue).sum();
  }

  @Override
  public void close() {
    if (operators != null) {
      operators.close();
    }
    for (int i = 0; i < servers.length(); i++) {
      if (servers.get(i) != null) {
        servers.get(i).close();
      }
    }
  }
}
