package dev.lethe.server;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.image.ImageDecoder;
import dev.lethe.models.image.Preparation;
import dev.lethe.server.config.Configuration;
import dev.lethe.server.config.ConfigurationException;
import dev.lethe.server.config.Setting;
import dev.lethe.server.erasure.ErasureCertificate;
import dev.lethe.server.events.EventLog;
import dev.lethe.server.events.Verification;
import dev.lethe.server.jobs.Commitment;
import dev.lethe.server.jobs.JobRecord;
import dev.lethe.server.jobs.JobStore;
import dev.lethe.server.jobs.Phases;
import dev.lethe.server.modelstore.DiskModelStore;
import dev.lethe.server.modelstore.ModelStore;
import dev.lethe.server.provenance.SigningKey;
import dev.lethe.server.provenance.VerificationKey;
import dev.lethe.server.store.Database;
import dev.lethe.server.unlearning.UnlearnSpecs;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lethe audit verify|images|log}: looks at what a server keeps, beside the server or without it. */
@Command(name = "lethe audit", description = "Checks and shows what a server keeps for the record.",
    synopsisSubcommandLabel = "COMMAND", subcommands = {AuditCommand.Verify.class, AuditCommand.Images.class,
        AuditCommand.Log.class})
public final class AuditCommand {

  private static final List<Setting<?>> SETTINGS = List.of(ServerSettings.MODELS, ServerSettings.STATE,
      ServerSettings.JOBS, ServerSettings.DATABASE, ServerSettings.SIGNING_KEY);
  private static final String DEFAULT_PREFIX = "lethe.default.";
  private static final JsonMapper JSON = new JsonMapper();

  @Option(names = {"-h", "--help"}, usageHelp = true, scope = CommandLine.ScopeType.INHERIT,
      description = "Show this help.")
  private boolean help;

  public static void main(String[] arguments) {
    // What libraries say is for a server's log.
    System.setProperty("lethe.log.format", "text");
    System.exit(commandLine().execute(arguments));
  }

  /** With the server's settings that say where things are. */
  public static CommandLine commandLine() {
    CommandLine commands = new CommandLine(new AuditCommand());
    commands.getSubcommands().values().forEach(command -> SETTINGS.forEach(setting ->
        command.getCommandSpec().addOption(OptionSpec.builder(setting.flag()).type(String.class)
            .paramLabel(setting.placeholder()).description("As of lethe serve. " + setting.help()
                + usual(setting)).build())));
    return commands.setParameterExceptionHandler(new WrongUsage());
  }

  private static String usual(Setting<?> setting) {
    String given = System.getProperty(DEFAULT_PREFIX + setting.key(), setting.fallback());
    return given == null ? "" : " Default: " + given;
  }

  /** In what form: {@code table} and {@code wide} are for people, and the same. */
  enum Format { table, wide, json, name }

  /** What all need: where things are, by the server's own settings. */
  private abstract static class Looking implements Callable<Integer> {

    @Option(names = {"-o", "--output"}, paramLabel = "FORMAT", description = "table, wide, json with the fields of "
        + "docs/command-line.md, or name. Default: table; of the log, json.")
    private Format format;

    @Option(names = "--config", paramLabel = "FILE", defaultValue = "${env:LETHE_CONFIG}",
        description = "The server's YAML file of settings. Default: the environment's LETHE_CONFIG, or none.")
    private Path file;

    @Option(names = {"-q", "--quiet"}, description = "Print nothing that is as it should be. Default: everything.")
    private boolean quiet;

    @Option(names = {"-v", "--verbose"}, description = "Print where in the program an error arose. Default: what is "
        + "wrong alone.")
    private boolean verbose;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
      Map<String, String> flags = new HashMap<>();
      Map<String, String> defaults = new HashMap<>();
      for (Setting<?> setting : SETTINGS) {
        String given = spec.commandLine().getParseResult().matchedOptionValue(setting.flag(), (String) null);
        if (given != null) {
          flags.put(setting.flag(), given);
        }
        String usual = System.getProperty(DEFAULT_PREFIX + setting.key());
        if (usual != null) {
          defaults.put(setting.key(), usual);
        }
      }
      Configuration settings = ServerSettings.read(new Configuration.Sources(flags, System.getenv(),
          Optional.ofNullable(file), defaults));
      try {
        if (!settings.mistakes().isEmpty()) {
          throw new ConfigurationException(settings.mistakes());
        }
        return look(settings);
      } catch (ConfigurationException e) {
        System.err.println("lethe: " + e.getMessage());
        return ExitCode.USAGE;
      } catch (IOException | RuntimeException e) {
        System.err.println("lethe: " + e.getMessage());
        if (verbose) {
          e.printStackTrace();
        }
        return ExitCode.SOFTWARE;
      }
    }

    abstract int look(Configuration settings) throws IOException;

    boolean isQuiet() {
      return quiet;
    }

    Format format(Format usual) {
      return format == null ? usual : format;
    }

    static Database open(Configuration settings) throws IOException {
      Optional<Path> file = ServerSettings.database(settings).file();
      if (file.isPresent() && !file.get().toFile().isFile()) {
        throw new IOException("there is no database " + file.get() + "; name the server's folder of jobs with "
            + ServerSettings.JOBS.flag() + ", or its database with " + ServerSettings.DATABASE.flag());
      }
      return Database.look(ServerSettings.database(settings));
    }
  }

  /** Checks all. */
  @Command(name = "verify", description = "Checks the event log, and every version's signature, certificate and files;"
      + " says where the first fault of each is. Exits 0 if all holds, 1 if not.")
  static final class Verify extends Looking {

    private static final int PAGE = 1000;

    @Option(names = "--public-key", paramLabel = "FILE", description = "Verify with this key. Default: the one beside"
        + " the server's signing key; better one that was kept elsewhere.")
    private Path publicKey;

    @Override
    int look(Configuration settings) throws IOException {
      VerificationKey key = VerificationKey.read(publicKey != null ? publicKey
          : SigningKey.publicKey(ServerSettings.signingKey(settings)));
      ModelStore store = new DiskModelStore(settings.get(ServerSettings.MODELS),
          settings.get(ServerSettings.STATE));
      try (Database database = open(settings)) {
        Map<String, Verification.Proof> proofs = new TreeMap<>();
        for (String model : store.known()) {
          Map<String, String> unreadable = store.unreadable(model);
          for (String version : store.taken(model)) {
            proofs.put(model + "/" + version, new Verification.Proof(store.proof(model, version),
                store.files(model, version), Optional.ofNullable(unreadable.get(version))));
          }
        }
        List<String> told = new ArrayList<>();
        JobStore jobs = new JobStore(database);
        boolean holds = new Verification(key, told::add).run(new EventLog(database), proofs, reports(jobs));
        for (String job : jobs.mislabelled()) {
          told.add(Verification.FAULT + "job " + job + ": a column of its row in the database is not what the job is");
          holds = false;
        }
        print(told, holds);
        return holds ? ExitCode.OK : ExitCode.SOFTWARE;
      }
    }

    /** Digests of reports by job, of those that have ended; empty of one without. */
    private static Map<String, String> reports(JobStore jobs) {
      Map<String, String> reports = new TreeMap<>();
      Optional<Job> last = Optional.empty();
      List<JobRecord> page;
      do {
        page = jobs.list("", List.of(JobState.JOB_STATE_SUCCEEDED, JobState.JOB_STATE_FAILED,
            JobState.JOB_STATE_CANCELLED), last, PAGE);
        for (JobRecord record : page) {
          Job job = record.job();
          reports.put(job.getId(), job.hasReport() ? ErasureCertificate.digest(job.getReport()) : "");
          last = Optional.of(job);
        }
      } while (page.size() == PAGE);
      return reports;
    }

    private void print(List<String> told, boolean holds) {
      switch (format(Format.table)) {
        case table, wide -> {
          told.stream().filter(line -> !isQuiet() || line.startsWith(Verification.FAULT)).forEach(System.out::println);
          if (isQuiet() && holds) {
            return;
          }
          System.out.println(holds ? "All holds." : "Something does not hold: see above.");
        }
        case json -> {
          ObjectNode result = JSON.createObjectNode().put("holds", holds);
          ArrayNode checks = result.putArray("checks");
          told.forEach(line -> checks.addObject().put("holds", !line.startsWith(Verification.FAULT))
              .put("what", what(line)));
          System.out.println(result.toPrettyString());
        }
        case name -> told.stream().filter(line -> line.startsWith(Verification.FAULT)).map(Verify::what)
            .forEach(System.out::println);
      }
    }

    private static String what(String line) {
      return line.startsWith(Verification.FAULT) ? line.substring(Verification.FAULT.length()) : line;
    }
  }

  /** Holds images to the commitments of a job. */
  @Command(name = "images", description = "Says of images whether they were among those that a job was to unlearn, by"
      + " the commitments that are kept of them; for a person who asks whether their pictures were. Takes the same"
      + " files, or others of the same pixels. Exits 0 if all were, 1 if not.")
  static final class Images extends Looking {

    @Parameters(index = "0", paramLabel = "JOB", description = "Id of the job.")
    private String id;

    @Parameters(index = "1..*", arity = "1..*", paramLabel = "FILE", description = "Images: PNG, JPEG or WebP.")
    private List<Path> files;

    /**
     * What is said of one file.
     *
     * @param committed whether it was among the images; empty if it cannot be read
     * @param leftOut whether the run left it out
     * @param error why not
     */
    private record Answer(Path file, Optional<Boolean> committed, boolean leftOut, String error) {}

    @Override
    int look(Configuration settings) throws IOException {
      ModelStore store = new DiskModelStore(settings.get(ServerSettings.MODELS), settings.get(ServerSettings.STATE));
      List<Answer> answers = new ArrayList<>();
      Job job;
      try (Database database = open(settings)) {
        JobStore jobs = new JobStore(database);
        JobRecord record = jobs.find(id)
            .orElseThrow(() -> new IOException("there is no job " + id + "; a job that is deleted has no commitments"));
        job = record.job();
        List<Commitment> commitments = jobs.commitments(id);
        List<Commitment> unlearned = record.unlearned(commitments);
        ModelCard.Network network = network(store, job.getSpec().getModel());
        for (Path file : files) {
          answers.add(answer(file, commitments, unlearned, network, UnlearnSpecs.preparation(job.getSpec())));
        }
      }
      print(job, answers);
      return answers.stream().allMatch(answer -> answer.committed().orElse(false)) ? ExitCode.OK : ExitCode.SOFTWARE;
    }

    private static Answer answer(Path file, List<Commitment> commitments, List<Commitment> unlearned,
        ModelCard.Network network, Preparation preparation) {
      try {
        byte[] pixels = ImageDecoder.prepare(Files.readAllBytes(file), network.channels(), network.resolution(),
            preparation).pixels();
        boolean committed = holds(commitments, pixels);
        return new Answer(file, Optional.of(committed), committed && !holds(unlearned, pixels), "");
      } catch (NoSuchFileException e) {
        return new Answer(file, Optional.empty(), false, "there is no such file");
      } catch (IOException e) {
        return new Answer(file, Optional.empty(), false, e.getMessage());
      }
    }

    private static boolean holds(List<Commitment> commitments, byte[] pixels) {
      return commitments.stream().anyMatch(commitment -> commitment.holds(pixels));
    }

    /** All versions of a model take the same images. */
    private static ModelCard.Network network(ModelStore store, String model) throws IOException {
      NavigableMap<String, Bundle> versions = store.versions(model);
      if (versions.isEmpty()) {
        throw new IOException("there is no model " + model + ", so that nobody knows how its images were taken; name"
            + " its folder with " + ServerSettings.MODELS.flag() + " or " + ServerSettings.STATE.flag());
      }
      return versions.firstEntry().getValue().card().network();
    }

    private void print(Job job, List<Answer> answers) {
      switch (format(Format.table)) {
        case table, wide -> answers.stream().filter(answer -> !isQuiet() || !answer.committed().orElse(false))
            .forEach(answer -> System.out.println(answer.file() + ": " + words(answer, job)));
        case json -> {
          ObjectNode all = JSON.createObjectNode().put("job", id).put("phase", Phases.name(job.getPhase()))
              .put("promoted", job.getPromoted()).put("version", job.getNewVersion());
          ArrayNode images = all.putArray("images");
          answers.forEach(answer -> {
            ObjectNode image = images.addObject().put("file", answer.file().toString());
            answer.committed().ifPresentOrElse(
                committed -> image.put("committed", committed).put("left_out", answer.leftOut()),
                () -> image.put("error", answer.error()));
          });
          System.out.println(all.toPrettyString());
        }
        case name -> answers.stream().filter(answer -> answer.committed().orElse(false))
            .forEach(answer -> System.out.println(answer.file()));
      }
    }

    /** That an image was sent says nothing of what became of it. */
    private String words(Answer answer, Job job) {
      if (answer.committed().isEmpty()) {
        return answer.error();
      }
      if (!answer.committed().get()) {
        return "was not among the images of job " + id;
      }
      if (answer.leftOut()) {
        return "was among the images of job " + id + ", which left it out: the model could not draw it, so that there"
            + " was nothing to unlearn";
      }
      return "was among the images of job " + id + ", which " + (job.getPromoted()
          ? "was promoted: version " + job.getNewVersion() + " of " + job.getSpec().getModel()
              + " was made without them"
          : "is " + Phases.name(job.getPhase()) + ": no version that serves was made without them");
    }
  }

  /** Shows the log. */
  @Command(name = "log", description = "Prints the event log, one JSON object a line: number, hash, and the line as it"
      + " was hashed; for an archive, or another's eyes.")
  static final class Log extends Looking {

    @Override
    int look(Configuration settings) throws IOException {
      try (Database database = open(settings)) {
        new EventLog(database).forEach(line -> System.out.println(switch (format(Format.json)) {
          case table, wide -> String.format(Locale.ROOT, "%6d  %s", line.number(), line.text());
          case json -> "{\"number\":" + line.number() + ",\"hash\":\"" + line.hash() + "\",\"line\":"
              + line.text() + "}";
          case name -> line.hash();
        }));
        return ExitCode.OK;
      }
    }
  }
}
