package dev.lethe.trainer.evaluation;

import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.image.ImageGrid;
import dev.lethe.models.runtime.Compute;
import dev.lethe.models.runtime.Machine;
import dev.lethe.trainer.audit.PersonFindings;
import dev.lethe.trainer.console.CommandErrors;
import dev.lethe.trainer.console.OutPath;
import dev.lethe.trainer.device.DeviceOption;
import dev.lethe.trainer.evaluation.PersonResult.Method;
import dev.lethe.trainer.identity.FaceNetwork;
import dev.lethe.trainer.identity.IdentityJudge;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code lethe evaluate faces}. */
@Command(name = "lethe evaluate faces", mixinStandardHelpOptions = true, showDefaultValues = true,
    description = "Unlearns people by half of their photos, and audits by the other half: prints a table, and writes "
        + "tables and pictures. An evaluation that was stopped goes on with the same command.")
public final class EvaluateFacesCommand implements Callable<Integer> {

  @Spec
  private CommandSpec spec;

  @Option(names = "--data", required = true, paramLabel = "DIR",
      description = "Photos that the model was trained on, a folder for each person (trainer/scripts/fetch-faces).")
  private Path data;

  @Option(names = "--strangers", required = true, paramLabel = "DIR",
      description = "Photos of people whom it never saw, a folder for each.")
  private Path strangers;

  @Option(names = "--identity", required = true, paramLabel = "DIR",
      description = "The network that tells people apart (trainer/scripts/fetch-identity).")
  private Path identity;

  @Option(names = "--base", required = true, paramLabel = "DIR", description = "Bundle of the model that unlearns.")
  private Path base;

  @Option(names = "--out", defaultValue = "docs/results", paramLabel = "DIR",
      description = "Where tables and pictures go.")
  private Path out;

  @Option(names = "--runs", defaultValue = "runs/evaluate-faces", paramLabel = "DIR",
      description = "Where the result of each run is kept.")
  private Path runs;

  @Option(names = "--people", defaultValue = "3", description = "People, one for each seed from 0.")
  private int people;

  @Option(names = "--methods", split = ",", paramLabel = "METHOD",
      description = "Make only these: ${COMPLETION-CANDIDATES}; default: all.")
  private List<Method> methods = List.of();

  @Option(names = "--quick", description = "Fewer photos and steps: a quarter of the time, and wide intervals.")
  private boolean quick;

  @Option(names = "--page-only", description = "Make no run: the page of those that there are.")
  private boolean pageOnly;

  @Mixin
  private DeviceOption device;

  @Option(names = "--threads", defaultValue = "0", description = "Threads; 0 for one on each core.")
  private int threads;

  private static final int COLUMNS = 12;
  private static final String JUDGE = "judge.txt";

  private EvaluateFacesCommand() {}

  public static void main(String[] arguments) {
    System.exit(commandLine().execute(arguments));
  }

  /** With its options, and how it reports errors. */
  public static CommandLine commandLine() {
    return CommandErrors.report(new CommandLine(new EvaluateFacesCommand()).setCaseInsensitiveEnumValuesAllowed(true),
        Set.of(IllegalArgumentException.class));
  }

  @Override
  public Integer call() throws IOException {
    OutPath.requireFolder(spec, "--out", out);
    Files.createDirectories(out);
    Files.createDirectories(runs);
    Bundle bundle = Bundle.open(base);
    String name = bundle.card().name();
    List<PersonResult> results = pageOnly ? known() : run(bundle, name);
    if (results.isEmpty()) {
      throw new IOException(runs + ": there are no results yet");
    }
    Map<String, String> pictures = new LinkedHashMap<>();
    for (PersonResult result : results) {
      if (Files.exists(out.resolve(picture(name, result.method(), result.seed())))) {
        pictures.put(picture(name, result.method(), result.seed()), "Seed " + result.seed() + ", "
            + result.method().title
            + ". Columns: photos that were sent, behind the gap photos that were not. Rows: the photos; what the "
            + "original "
            + "draws of them at latents that the audit found; what the candidate draws there; what an attack finds in "
            + "the candidate.");
      }
    }
    String command = "./lethe evaluate faces" + (quick ? " --quick" : "");
    String table = new PersonPage(out, quick ? name + "-quick" : name, name, command,
        Double.parseDouble(Files.readString(runs.resolve(JUDGE)).strip()), pictures, results).write();
    System.out.println();
    System.out.print(table);
    System.out.println("All tables: " + out.resolve((quick ? name + "-quick" : name) + ".md"));
    return 0;
  }

  private ResultStore<PersonResult> store() {
    return new ResultStore<>(runs, PersonResult.class);
  }

  private List<PersonResult> known() throws IOException {
    List<PersonResult> results = new ArrayList<>();
    for (long seed = 0; seed < people; seed++) {
      for (Method method : Method.values()) {
        store().find(PersonResult.id(method, seed)).ifPresent(results::add);
      }
    }
    return results;
  }

  private List<PersonResult> run(Bundle bundle, String name) throws IOException {
    Compute on = device.compute(threads);
    PeopleData photos = PeopleData.open(data, strangers, quick ? PersonScale.QUICK : PersonScale.FULL);
    try (IdentityJudge judge = IdentityJudge.open(FaceNetwork.read(identity, photos.train().resolution(),
        photos.train().channels()), photos.pool(), on)) {
      if (!Files.exists(runs.resolve(JUDGE))) {
        Files.writeString(runs.resolve(JUDGE), String.format(Locale.ROOT, "%.6f%n", judge.auc(photos.strangers())));
      }
      try (PersonEvaluation evaluation = new PersonEvaluation(bundle, photos, judge, runs.resolve("session"),
          Machine.describe(on.device()), on)) {
        for (long seed = 0; seed < people; seed++) {
          for (Method method : methods.isEmpty() ? Arrays.asList(Method.values()) : methods) {
            if (store().find(PersonResult.id(method, seed)).isEmpty()) {
              make(evaluation, method, seed, name);
            }
          }
        }
      }
    }
    return known();
  }

  private void make(PersonEvaluation evaluation, Method method, long seed, String name) throws IOException {
    PersonResult result = evaluation.run(method, seed);
    store().write(PersonResult.id(method, seed), result);
    if (seed == 0 && method != Method.DISCRIMINATOR_ONLY) {
      write(out.resolve(picture(name, method, seed)), evaluation.pictures().orElseThrow(),
          result.figures().get("photos_sent").intValue());
    }
    System.out.printf(Locale.ROOT, "%s, seed %d: %s; %s%n", method.title, seed,
        result.forgotten() ? "forgotten" : "not forgotten: " + String.join("; ", result.reasons()),
        String.join("; ", result.findings()));
  }

  private static String picture(String name, Method method, long seed) {
    return name + "-" + method.name().toLowerCase(Locale.ROOT).replace('_', '-') + "-s" + seed + ".png";
  }

  /** Half of the columns for photos that were sent, half for others. */
  private static void write(Path file, PersonFindings.Pictures shown, int sent) throws IOException {
    List<Tensor> rows = List.of(shown.photos(), shown.original(), shown.candidate(), shown.again());
    long[] shape = shown.photos().shape();
    int size = (int) (shape[1] * shape[2] * shape[3]);
    int each = Math.min(COLUMNS / 2, Math.min(sent, (int) shape[0] - sent));
    ImageGrid grid = new ImageGrid(rows.size(), 2 * each + 1, (int) shape[1], (int) shape[2], 1, 2);
    for (int row = 0; row < rows.size(); row++) {
      for (int i = 0; i < 2 * each; i++) {
        int photo = i < each ? i : sent + i - each;
        grid.set(row, i < each ? i : i + 1,
            Arrays.copyOfRange(rows.get(row).data(), photo * size, (photo + 1) * size));
      }
    }
    Files.write(file, grid.png());
  }
}
