package dev.lethe.server;

import dev.lethe.models.architecture.Precision;
import dev.lethe.models.bundle.BundleName;
import dev.lethe.models.runtime.Compute;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.models.runtime.InvalidDeviceException;
import dev.lethe.server.config.Configuration;
import dev.lethe.server.config.ConfigurationException;
import dev.lethe.server.config.Mistake;
import dev.lethe.server.config.Overrides;
import dev.lethe.server.config.Setting;
import dev.lethe.server.config.ValueType;
import dev.lethe.server.http.Origins;
import dev.lethe.server.inference.ModelOptions;
import dev.lethe.server.inference.ServingCompute;
import dev.lethe.server.inference.ServingCompute.Graphs;
import dev.lethe.server.lifecycle.Lifecycle;
import dev.lethe.server.registry.CanaryRules;
import dev.lethe.server.security.LatentRules;
import dev.lethe.server.store.DatabaseUrl;
import dev.lethe.server.unlearning.ApprovalRules;
import dev.lethe.server.unlearning.JobQueue;
import dev.lethe.server.unlearning.MergeRules;
import dev.lethe.server.unlearning.WorkerCommand;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Every setting of the server, and how they make its options. */
final class ServerSettings {

  static final Setting<String> HOST = new Setting<>("host", "ADDRESS", "127.0.0.1", ValueType.text(),
      "Address to listen on; 0.0.0.0 for all.");
  static final Setting<Integer> PORT = new Setting<>("port", "PORT", "8080", ValueType.integer(0, 65535),
      "Port for gRPC and HTTP; 0 for a free one.");
  static final Setting<Boolean> INSECURE_LISTEN = new Setting<>("insecure-listen", "BOOLEAN", "false",
      ValueType.bool(), "Listen beyond this machine although everyone who reaches the port may do everything.");
  static final Setting<ConsoleMode> CONSOLE = new Setting<>("console", "WHEN", "auto",
      ValueType.oneOf(ConsoleMode.class),
      "Pages for browsers at /console: on, off, or auto for a server that no other machine reaches.");
  static final Setting<Path> MODELS = new Setting<>("models", "DIR", "onnx-models/bundles", ValueType.of(Path::of),
      "Shipped models, MODEL/VERSION/ each a bundle; only read.");
  static final Setting<Path> STATE = new Setting<>("state", "DIR", "runs/models", ValueType.of(Path::of),
      "Where unlearned versions go, and which version is active.");
  static final Setting<Path> JOBS = new Setting<>("jobs", "DIR", "runs/jobs", ValueType.of(Path::of),
      "Unlearning jobs.");
  static final Setting<DatabaseUrl> DATABASE = new Setting<>("database", "URL", null,
      ValueType.of(DatabaseUrl::new), "Database of jobs and versions:"
          + " jdbc:postgresql://HOST/DATABASE?user=USER&password=PASSWORD, which several servers may share, with the"
          + " folders of state and jobs. Default: SQLite, in lethe.db in the folder of jobs.");
  static final Setting<Path> KEY_FILE = new Setting<>("key-file", "FILE", null, ValueType.of(Path::of),
      "The server's own key, for what is encrypted on its disk: 64 hexadecimal digits. Made if it is not there; the"
          + " environment's LETHE_KEY goes before it. Default: lethe.key in the folder of jobs.");
  static final Setting<Integer> KEEP_JOBS = new Setting<>("keep-jobs", "DAYS", "0", ValueType.integer(0, 36_500),
      "How long jobs are known after their end; 0: until they are deleted.");
  static final Setting<Path> SIGNING_KEY = new Setting<>("signing-key", "FILE", null, ValueType.of(Path::of),
      "Private key (PEM, P-256) that versions are signed with when they are promoted; made if it is not there, its"
          + " public key in a file of the same name and .pub. Default: signing.pem in the folder of jobs.");
  static final Setting<Rollback> ROLLBACK = new Setting<>("rollback-to-retired", "WHETHER", "with-reason",
      ValueType.oneOf(Rollback.class), "Whether a version that holds what was erased may be activated again:"
          + " with-reason, which is recorded; never.");
  static final Setting<Integer> PURGE_AFTER = new Setting<>("purge-after", "DAYS", "30", ValueType.integer(0, 36_500),
      "When the files of a retired version in the folder of state are deleted; 0: only by order.");
  static final Setting<EmptyState> EMPTY_STATE = new Setting<>("empty-state", "WHETHER", "accept",
      ValueType.oneOf(EmptyState.class), "What to do if neither the folder of state nor the database knows of any"
          + " version or event: accept, as at a first start; refuse, since where a server has worked before its state"
          + " is lost, and what was erased would be served again.");
  static final Setting<Set<String>> CONFIRM_LOST = new Setting<>("confirm-lost-erasures", "IDS", null,
      ValueType.of(ServerSettings::names), "Erasures, with commas between them, whose versions are lost for good: the"
          + " server starts without them, serves again what they erased, and records it. MODEL/VERSION for a version"
          + " whose certificate cannot be verified any more, since the server's key and database are lost.");
  static final Setting<Path> DATA = new Setting<>("data", "DIR", null, ValueType.of(ServerSettings::directory),
      "Data set that unlearning takes learning images from where a request sends none.");
  static final Setting<WorkerCommand> WORKER_COMMAND = new Setting<>("worker-command", "COMMAND", null,
      ValueType.of(ServerSettings::workerCommand), "Program that carries out unlearning jobs; it gets the job's"
          + " directory as its last argument. Arguments with blanks go between double quotes. Without it, requests to"
          + " unlearn are refused.");
  static final Setting<Integer> WORKER_TIMEOUT = new Setting<>("worker-timeout", "SECONDS", "900",
      ValueType.integer(1, 86_400), "How long a worker may say nothing of its progress before it is taken to stand"
          + " still, ended and replaced.");
  static final Setting<Integer> WORKER_ATTEMPTS = new Setting<>("worker-attempts", "N", "3", ValueType.integer(1, 1000),
      "How many workers of one job may crash or stand still; with the last of them the job fails. A server's own end"
          + " does not count.");
  static final Setting<Integer> JOB_HEARTBEAT = new Setting<>("job-heartbeat", "SECONDS", "5",
      ValueType.integer(1, 3600),
      "How often a server shows on a shared database that it works on a job; one that has not for four times as long is"
          + " taken for dead, and its job given to another.");
  static final Setting<Integer> MAX_JOBS = new Setting<>("max-jobs", "N", "100", ValueType.integer(1, 100_000),
      "Jobs that may wait or run; above that, submissions are refused.");
  static final Setting<ApprovalRules.Who> APPROVAL = new Setting<>("approval", "WHO", "automatic",
      ValueType.oneOf(ApprovalRules.Who.class),
          "Who promotes a candidate that passes its gates: automatic, or operator for"
          + " one who orders it (lethe jobs approve).");
  static final Setting<Boolean> MERGE = new Setting<>("merge", "BOOLEAN", "false", ValueType.bool(),
      "Carry out requests that wait for a model by one run, where they ask for the same of other images or classes; "
          + "a run that does not come out well for each of them is undone, and they are carried out one by one. Not "
          + "where an operator promotes.");
  static final Setting<Double> CANARY_SHARE = new Setting<>("canary-share", "PERCENT", "0", ValueType.number(0, 50),
      "Of the requests that name no version, so many are a candidate's before it is promoted, for as long as"
          + " canary-calls and canary-seconds say; it is not promoted if it fails more often than the version that "
          + "serves the others, or is more than twice as slow. 0: no candidate is tried so.");
  static final Setting<Integer> CANARY_CALLS = new Setting<>("canary-calls", "N", "200",
      ValueType.integer(1, 1_000_000), "Requests, up to a batch of images each, after which a candidate has served"
          + " enough of that share.");
  static final Setting<Integer> CANARY_SECONDS = new Setting<>("canary-seconds", "SECONDS", "300",
      ValueType.integer(1, 86_400), "Time after which that ends, however few requests have come.");
  static final Setting<ExecutionDevice> DEVICE = new Setting<>("device", "DEVICE", "cpu",
      ValueType.of(ServerSettings::device), "Where models run: " + ExecutionDevice.SYNTAX + ".");
  static final Setting<ExecutionDevice> WORKER_DEVICE = new Setting<>("worker-device", "DEVICE", null,
      ValueType.of(ServerSettings::device), "Where jobs train, in the same form. Default: where models run.");
  static final Setting<Precision> PRECISION = new Setting<>("precision", "PRECISION", "fp32",
      ValueType.oneOf(Precision.class), "Of synthesis: fp32, or fp16 for half precision at the four highest"
          + " resolutions, for GPUs; a CPU computes that in floats all the same.");
  static final Setting<LatentRules.Rule> LATENTS = new Setting<>("latents", "WHICH", "auto",
      ValueType.oneOf(LatentRules.Rule.class), "What clients without the role latents may send: z for seeds and z"
          + " alone, w for one w for all layers, too, w-plus for a w for each layer, too. In w+ a generator draws"
          + " nearly anything, images that it never saw included, and what was unlearned: auto is w-plus, and w of"
          + " versions that unlearning made.");
  static final Setting<Graphs> GRAPHS = new Setting<>("graphs", "WHICH", "auto",
      ValueType.oneOf(Graphs.class), "auto: on a CPU, graphs that are made of a version's weights for this processor"
          + " when it is loaded, faster than the files', with images that differ by rounding; bundle: always the"
          + " files'.");
  static final Setting<Integer> THREADS = new Setting<>("threads", "N", "0", ValueType.integer(0, 1024),
      "Threads that compute one batch; 0 for one on each core.");
  static final Setting<Integer> DRAIN = new Setting<>("drain", "SECONDS", "10", ValueType.integer(0, 86_400),
      "How long calls in flight may go on at the end.");
  static final Setting<LogFormat> LOG_FORMAT = new Setting<>("log.format", "FORMAT", "text",
      ValueType.oneOf(LogFormat.class), "Of the log on standard error: text, or json for one object a line.");

  /** What a model may have of its own, under its name. */
  static final Overrides PER_MODEL = new Overrides("per-model", "model", ValueType.of(ServerSettings::modelName),
      Stream.<Setting<?>>concat(LoadSettings.BATCHING.stream(), Stream.of(PRECISION, LATENTS, APPROVAL, MERGE,
          CANARY_SHARE, CANARY_CALLS, CANARY_SECONDS)).toList());

  /** In the order of the help and of {@code --print-config}. */
  static final List<Setting<?>> ALL = Stream.concat(
      Stream.of(HOST, PORT, INSECURE_LISTEN, CONSOLE, MODELS, STATE, JOBS, DATABASE, KEY_FILE, KEEP_JOBS, SIGNING_KEY,
          ROLLBACK, PURGE_AFTER, EMPTY_STATE, CONFIRM_LOST, DATA, WORKER_COMMAND, WORKER_TIMEOUT, WORKER_ATTEMPTS,
          JOB_HEARTBEAT, MAX_JOBS, APPROVAL, MERGE, CANARY_SHARE, CANARY_CALLS, CANARY_SECONDS, DEVICE, WORKER_DEVICE,
          PRECISION, LATENTS, GRAPHS, THREADS, DRAIN, LOG_FORMAT),
      Stream.concat(LoadSettings.ALL.stream(), SecuritySettings.ALL.stream()))
      .<Setting<?>>map(setting -> setting).toList();

  enum ConsoleMode { AUTO, ON, OFF }

  enum LogFormat { TEXT, JSON }

  enum Rollback { WITH_REASON, NEVER }

  enum EmptyState { ACCEPT, REFUSE }

  private static final String DATABASE_FILE = "lethe.db";
  private static final String KEY_NAME = "lethe.key";
  private static final String SIGNING_KEY_NAME = "signing.pem";

  private ServerSettings() {}

  static Configuration read(Configuration.Sources sources) {
    return Configuration.read(ALL, List.of(PER_MODEL), sources);
  }

  /** @throws ConfigurationException with all mistakes, those of single settings and those between them */
  static ServerOptions options(Configuration settings) throws ConfigurationException {
    List<Mistake> mistakes = new ArrayList<>(settings.mistakes());
    SecuritySettings.check(settings, mistakes);
    checkExposure(settings, mistakes);
    if (!mistakes.isEmpty()) {
      throw new ConfigurationException(mistakes);
    }
    int threads = settings.get(THREADS);
    ExecutionDevice device = settings.get(DEVICE);
    ExecutionDevice training = settings.find(WORKER_DEVICE).orElse(device);
    return new ServerOptions(settings.get(HOST), settings.get(PORT), SecuritySettings.tls(settings),
        SecuritySettings.access(settings), console(settings), origins(settings),
        settings.get(MODELS), settings.get(STATE), settings.get(JOBS),
        database(settings), settings.find(KEY_FILE).orElseGet(() -> settings.get(JOBS).resolve(KEY_NAME)),
        signingKey(settings),
        new Lifecycle.Rules(settings.get(ROLLBACK) == Rollback.WITH_REASON, Duration.ofDays(settings.get(PURGE_AFTER))),
        settings.find(CONFIRM_LOST).orElse(Set.of()), settings.get(EMPTY_STATE) == EmptyState.ACCEPT,
        new JobQueue.Options(settings.find(WORKER_COMMAND).map(command -> command.on(training)),
            Duration.ofSeconds(settings.get(WORKER_TIMEOUT)), settings.get(WORKER_ATTEMPTS),
            Duration.ofSeconds(settings.get(JOB_HEARTBEAT)), settings.get(MAX_JOBS), approval(settings),
            merge(settings), canary(settings),
            Optional.of(settings.get(KEEP_JOBS)).filter(days -> days > 0).map(Duration::ofDays)),
        settings.find(DATA),
        new ServingCompute(new Compute(device, threads == 0 ? Runtime.getRuntime().availableProcessors() : threads),
            settings.get(PRECISION), settings.get(GRAPHS)),
        LoadSettings.batching(settings), ownOptions(settings), latents(settings),
        LoadSettings.limits(settings), Duration.ofSeconds(settings.get(DRAIN)));
  }

  /** Beside the database by default: whoever keeps the one keeps the other. */
  static Path signingKey(Configuration settings) {
    return settings.find(SIGNING_KEY).orElseGet(() -> settings.get(JOBS).resolve(SIGNING_KEY_NAME));
  }

  static DatabaseUrl database(Configuration settings) {
    return settings.find(DATABASE).orElseGet(() -> DatabaseUrl.sqlite(settings.get(JOBS).resolve(DATABASE_FILE)));
  }

  private static Set<String> names(String text) {
    return Stream.of(text.split(",")).map(String::strip).filter(name -> !name.isEmpty()).collect(Collectors.toSet());
  }

  private static SortedMap<String, ModelOptions> ownOptions(Configuration settings) {
    SortedMap<String, ModelOptions> options = new TreeMap<>();
    settings.own(PER_MODEL).forEach((name, its) ->
        options.put(name, new ModelOptions(LoadSettings.batching(its), its.get(PRECISION))));
    return options;
  }

  private static LatentRules latents(Configuration settings) {
    Map<String, LatentRules.Rule> own = new HashMap<>();
    settings.own(PER_MODEL).forEach((name, its) -> own.put(name, its.get(LATENTS)));
    return new LatentRules(settings.get(LATENTS), own);
  }

  private static boolean console(Configuration settings) {
    return switch (settings.get(CONSOLE)) {
      case ON -> true;
      case OFF -> false;
      case AUTO -> isLocal(settings.get(HOST)).orElse(false);
    };
  }

  private static Origins origins(Configuration settings) {
    boolean local = isLocal(settings.get(HOST)).orElse(false);
    return new Origins(settings.find(SecuritySettings.CORS_ORIGINS).orElse(Set.of()),
        local && !SecuritySettings.authenticates(settings));
  }

  /** Whether no other machine reaches an address; empty if it is none. */
  private static Optional<Boolean> isLocal(String host) {
    try {
      return Optional.of(InetAddress.getByName(host).isLoopbackAddress());
    } catch (UnknownHostException e) {
      return Optional.empty();
    }
  }

  private static ApprovalRules approval(Configuration settings) {
    Map<String, ApprovalRules.Who> own = new HashMap<>();
    settings.own(PER_MODEL).forEach((name, its) -> own.put(name, its.get(APPROVAL)));
    return new ApprovalRules(settings.get(APPROVAL), own);
  }

  private static MergeRules merge(Configuration settings) {
    Map<String, Boolean> own = new HashMap<>();
    settings.own(PER_MODEL).forEach((name, its) -> own.put(name, its.get(MERGE)));
    return new MergeRules(settings.get(MERGE), own);
  }

  private static CanaryRules canary(Configuration settings) {
    Map<String, CanaryRules.Rule> own = new HashMap<>();
    settings.own(PER_MODEL).forEach((name, its) -> own.put(name, canaryRule(its)));
    return new CanaryRules(canaryRule(settings), own);
  }

  private static CanaryRules.Rule canaryRule(Configuration settings) {
    return new CanaryRules.Rule(settings.get(CANARY_SHARE) / 100, settings.get(CANARY_CALLS),
        Duration.ofSeconds(settings.get(CANARY_SECONDS)));
  }

  private static void checkExposure(Configuration settings, List<Mistake> mistakes) {
    Optional<String> host = settings.find(HOST);
    if (SecuritySettings.authenticates(settings) || host.isEmpty() || !settings.isSound(INSECURE_LISTEN)
        || settings.get(INSECURE_LISTEN)) {
      return;
    }
    Optional<Boolean> local = isLocal(host.get());
    if (local.isEmpty()) {
      mistakes.add(new Mistake(settings.where(HOST), "is \"" + host.get() + "\", which is no address of this machine"));
    } else if (!local.get()) {
      mistakes.add(new Mistake(settings.where(HOST), "is \"" + host.get() + "\", which other machines reach, and"
          + " everyone may do everything: name principals (" + SecuritySettings.AUTH_PRINCIPALS.flag()
          + "), token keys ("
          + SecuritySettings.JWT_KEYS.flag() + ") or certificates (" + SecuritySettings.TLS_CLIENT_CA.flag()
          + "), listen on 127.0.0.1, or accept it with " + INSECURE_LISTEN.flag()));
    }
  }

  private static String modelName(String text) {
    if (!BundleName.isValid(text)) {
      throw new IllegalArgumentException("must be the name of a model: " + BundleName.RULE);
    }
    return text;
  }

  private static Path directory(String text) {
    Path path = Path.of(text);
    if (!Files.isDirectory(path)) {
      throw new IllegalArgumentException("must be a directory that exists");
    }
    return path;
  }

  private static WorkerCommand workerCommand(String text) {
    if (text.isBlank()) {
      throw new IllegalArgumentException("must name a program");
    }
    return WorkerCommand.parse(text);
  }

  private static ExecutionDevice device(String text) {
    try {
      return ExecutionDevice.parse(text);
    } catch (InvalidDeviceException e) {
      throw new IllegalArgumentException("names no device: " + String.join("; ", e.mistakes()), e);
    }
  }
}
