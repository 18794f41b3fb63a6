package dev.lethe.client.cli;

import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import dev.lethe.client.LetheClient;
import dev.lethe.client.console.Console;
import dev.lethe.client.console.OutPath;
import dev.lethe.client.image.ImageFiles;
import dev.lethe.client.report.ReportJson;
import dev.lethe.v1.BadImages;
import dev.lethe.v1.GetReportResponse;
import dev.lethe.v1.Job;
import dev.lethe.v1.LabelledImage;
import dev.lethe.v1.ImageFit;
import dev.lethe.v1.Recipe;
import dev.lethe.v1.SubstituteKind;
import dev.lethe.v1.UnlearnKind;
import dev.lethe.v1.UnlearnMode;
import dev.lethe.v1.UnlearnSpec;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** {@code lethe unlearn}. */
@Command(name = "unlearn", description = "Takes images out of a model: uploads them, follows the job, and prints what "
    + "was measured before and after.",
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {"0:done: the unlearned version serves (with --keep-as-candidate: lies ready; with --detach: "
            + "queued)",
        "1:the job failed, was cancelled or was refused", "2:wrong options",
        "3:measured, and the old version still serves: not forgotten, a gate failed, or an operator decides"})
final class UnlearnCommand implements Callable<Integer> {

  private static final String REPORT = "report.json";
  private static final String PICTURES = "unlearned.png";

  private final Console console;

  @Spec
  private CommandSpec command;

  @Mixin
  private ServerOptions server;

  @Mixin
  private Output output;

  @Parameters(arity = "0..*", paramLabel = "PATH",
      description = "What to unlearn: PNG, JPEG and WebP files, folders and zip files of them; the name of an image's "
          + "sub-folder is its label, if the model has classes. None are needed for classes of a conditional model.")
  private List<Path> images = List.of();

  @Option(names = "--label", paramLabel = "CLASS",
      description = "The label of every image, instead of the names of sub-folders; '' for none. Default: those names.")
  private String label;

  @Option(names = "--learn", paramLabel = "PATH",
      description = "Images that the model must keep, in the same forms; may be given more than once. Default: none; the server may"
          + " take some of its own.")
  private List<Path> learn = List.of();

  @Option(names = "--skip-unreadable",
      description = "Go on without files that are no such images, that are damaged or that do not fit, and say which."
          + " Default: they are refused.")
  private boolean skipUnreadable;

  @Option(names = "--request-key", paramLabel = "KEY", description = "Names this request: the same key again is answered "
      + "with the same job. Default: a request that equals one that has not ended is answered so.")
  private String requestKey;

  @ArgGroup(validate = false, heading = "%nWhat to do and how; each has a default that works:%n")
  private SpecOptions spec = new SpecOptions();

  @Option(names = "--dry-run", description = "Change nothing: tell what would be unlearned, how well the model draws each "
      + "image, whether its discriminator recognises it, and how long a job would take. Default: begin the job.")
  private boolean dryRun;

  @Option(names = "--detach", description = "Print the job's id as soon as it is queued, and end. Default: follow it.")
  private boolean detach;

  @Option(names = "--out", paramLabel = "DIR",
      description = "Write report.json and unlearned.png (before and after) there. Default: nowhere.")
  private Path out;

  private Boolean unlabelled;

  /** A number, or what the server works out. */
  record FakeLabel(OptionalDouble value) {

    private static final String AUTO = "auto";

    static FakeLabel parse(String text) {
      if (text.equalsIgnoreCase(AUTO)) {
        return new FakeLabel(OptionalDouble.empty());
      }
      try {
        return new FakeLabel(OptionalDouble.of(Double.parseDouble(text)));
      } catch (NumberFormatException e) {
        throw new TypeConversionException("'" + text + "' is neither a number nor " + AUTO);
      }
    }

    private void write(UnlearnSpec.Builder spec) {
      value.ifPresentOrElse(spec::setFakeLabel, () -> spec.setAutoFakeLabel(true));
    }
  }

  /** A colour as web pages write it. */
  record Color(int rgb) {

    static Color parse(String text) {
      String digits = text.startsWith("#") ? text.substring(1) : text;
      if (!digits.matches("[0-9a-fA-F]{6}")) {
        throw new TypeConversionException("'" + text + "' is no colour of the form RRGGBB");
      }
      return new Color(Integer.parseInt(digits, 16));
    }
  }

  /** The fields of {@link UnlearnSpec}; one that is not given is left to the server. */
  static final class SpecOptions {

    @Option(names = "--model", description = "The model; default: the server's only one.")
    private String model;

    @Option(names = "--kind", completionCandidates = ProtoNames.Kinds.class,
        description = "What is unlearned: ${COMPLETION-CANDIDATES}. Default: item.")
    private UnlearnKind kind;

    @Option(names = "--recipe", completionCandidates = ProtoNames.Recipes.class,
        description = "By which the networks unlearn: ${COMPLETION-CANDIDATES} (paper: arXiv 2308.09881 as it stands, "
            + "for comparison). Default: lethe.")
    private Recipe recipe;

    @Option(names = "--mode", completionCandidates = ProtoNames.Modes.class,
        description = "What the model relearns from: ${COMPLETION-CANDIDATES}. Default: few-shot where there are"
            + " images to learn from.")
    private UnlearnMode mode;

    @Option(names = "--substitute", completionCandidates = ProtoNames.Substitutes.class,
        description = "What the generator learns to draw instead: ${COMPLETION-CANDIDATES}. Default: nearest; of"
            + " recipe paper average.")
    private SubstituteKind substitute;

    @Option(names = "--classes", split = ",", paramLabel = "CLASS",
        description = "With --kind class: the classes of a conditional model to unlearn, by name or index."
            + " Default: none.")
    private List<String> classes = List.of();

    @Option(names = "--fake-label", paramLabel = "F",
        description = "What the discriminator learns to answer for unlearned images: a number, or auto for what it "
            + "answers for images that the model never saw. Default: auto; of recipe paper -1.")
    private FakeLabel fakeLabel;

    @Option(names = "--max-inversion-error", paramLabel = "MSE",
        description = "Images that the generator cannot draw within this error are bad ones. Default: none are.")
    private Double maxInversionError;

    @Option(names = "--bad-images", completionCandidates = ProtoNames.BadImagesActions.class,
        description = "What to do about those, and about images sent more than once: ${COMPLETION-CANDIDATES}."
            + " Default: refuse.")
    private BadImages badImages;

    @Option(names = "--fit", completionCandidates = ProtoNames.Fits.class,
        description = "How images of another size are made to fit: ${COMPLETION-CANDIDATES} (pad: all of it, on a "
            + "background; crop: its middle square; resize: made square); default: exact, they are refused")
    private ImageFit fit;

    @Option(names = "--background", paramLabel = "RRGGBB",
        description = "The colour behind transparent pixels, which are refused without it, and around padded images."
            + " Default: black around padded images.")
    private Color background;

    @Option(names = "--iterations", description = "Most steps; the run stops before, once its target is reached. Default:"
        + " 600, of more than 64 images in proportion; of recipe paper 100.")
    private Integer iterations;

    @Option(names = "--batch", description = "Images a step, a multiple of 4. Default: 32; of kind class 48.")
    private Integer batch;

    @Option(names = "--learning-rate", description = "Adam's learning rate. Default: 0.014; of recipe paper 0.002.")
    private Double learningRate;

    @Option(names = "--moving-weight", paramLabel = "WEIGHT",
        description = "Weight of an image that moves against one that stays: larger is sooner, and moves more with it."
            + " Default: 0.6.")
    private Double movingWeight;

    @Option(names = "--layers-up-to", paramLabel = "RESOLUTION",
        description = "Only layers up to this resolution learn: steps take less, and finer things stay. Default: all layers"
            + " learn.")
    private Integer layersUpTo;

    @Option(names = "--lambda1", description = "Recipe paper: weight of the pixel loss. Default: 1.")
    private Double lambda1;

    @Option(names = "--lambda2", description = "Recipe paper: weight of the perceptual loss. Default: 0.1.")
    private Double lambda2;

    @Option(names = "--seed", description = "Seed of every random draw of the job. Default: 0.")
    private Long seed;

    @Option(names = "--min-auc-lu", description = "Gate: promote only from this membership AUC on. Default: no such gate.")
    private Double minAucLu;

    @Option(names = "--max-fid-l-increase", paramLabel = "RATIO",
        description = "Gate: promote only if the FID of kept images rises by no more than this share of it."
            + " Default: no such gate.")
    private Double maxFidIncrease;

    @Option(names = "--min-acc", description = "Gate: promote only from this classifier accuracy on. Default: no such gate.")
    private Double minAcc;

    @Option(names = "--min-redacted", paramLabel = "SHARE",
        description = "Gate: least share of images drawn nearer to their substitutes, at latents that the audit found."
            + " Default: 0.9.")
    private Double minRedacted;

    @Option(names = "--max-collateral", paramLabel = "PART",
        description = "Gate: most that images which stay may move, as a part of their way to substitutes."
            + " Default: 0.25.")
    private Double maxCollateral;

    @Option(names = "--max-fid-root-increase", paramLabel = "RATIO",
        description = "Gate: most that the FID may rise over the root version's, as a share of it. Default: 0.15.")
    private Double maxFidRootIncrease;

    @Option(names = "--promote-not-forgotten", description = "Promote whatever the verdict is. Default: what is forgotten alone.")
    private boolean promoteNotForgotten;

    @Option(names = "--keep-as-candidate", description = "Do not promote, whatever the gates say. Default: as they say.")
    private boolean keepAsCandidate;

    @Option(names = "--keep-pictures", description = "Keep the images and the report's pictures, encrypted, until the job"
        + " is deleted. Default: images until the job ends, pictures for a quarter of an hour after.")
    private boolean keepPictures;

    UnlearnSpec build() {
      UnlearnSpec.Builder built = UnlearnSpec.newBuilder().setKeepAsCandidate(keepAsCandidate)
          .setKeepPictures(keepPictures);
      Optional.ofNullable(model).ifPresent(built::setModel);
      Optional.ofNullable(kind).ifPresent(built::setKind);
      Optional.ofNullable(recipe).ifPresent(built::setRecipe);
      Optional.ofNullable(mode).ifPresent(built::setMode);
      Optional.ofNullable(substitute).ifPresent(built::setSubstitute);
      built.addAllClasses(classes);
      Optional.ofNullable(fakeLabel).ifPresent(value -> value.write(built));
      Optional.ofNullable(maxInversionError).ifPresent(built::setMaxInversionError);
      Optional.ofNullable(badImages).ifPresent(built::setBadImages);
      Optional.ofNullable(fit).ifPresent(built::setFit);
      Optional.ofNullable(background).ifPresent(color -> built.setBackground(color.rgb()));
      Optional.ofNullable(iterations).ifPresent(built::setIterations);
      Optional.ofNullable(batch).ifPresent(built::setBatch);
      Optional.ofNullable(learningRate).ifPresent(built::setLearningRate);
      Optional.ofNullable(movingWeight).ifPresent(built::setMovingWeight);
      Optional.ofNullable(layersUpTo).ifPresent(built::setLayersUpTo);
      Optional.ofNullable(lambda1).ifPresent(built::setLambda1);
      Optional.ofNullable(lambda2).ifPresent(built::setLambda2);
      Optional.ofNullable(seed).ifPresent(built::setSeed);
      Optional.ofNullable(minAucLu).ifPresent(value -> built.getGatesBuilder().setMinAucLu(value));
      Optional.ofNullable(maxFidIncrease).ifPresent(value -> built.getGatesBuilder().setMaxFidLIncrease(value));
      Optional.ofNullable(minAcc).ifPresent(value -> built.getGatesBuilder().setMinAcc(value));
      Optional.ofNullable(minRedacted).ifPresent(value -> built.getGatesBuilder().setMinRedactedFresh(value));
      Optional.ofNullable(maxCollateral).ifPresent(value -> built.getGatesBuilder().setMaxCollateral(value));
      Optional.ofNullable(maxFidRootIncrease)
          .ifPresent(value -> built.getGatesBuilder().setMaxFidRootIncrease(value));
      if (promoteNotForgotten) {
        built.getGatesBuilder().setPromoteNotForgotten(true);
      }
      return built.build();
    }
  }

  UnlearnCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    if (detach && out != null) {
      throw new ParameterException(command.commandLine(), "--detach does not wait for the report that --out " + out
          + " is for; leave out one of them");
    }
    if (out != null) {
      OutPath.requireFolder(command, out, List.of());
      WholeFiles.check(out, REPORT, PICTURES);
    }
    ImageFiles files = new ImageFiles(Optional.ofNullable(label),
        skipUnreadable ? Optional.of(console.err()::println) : Optional.empty());
    List<LabelledImage> toUnlearn = files.read(images);
    List<LabelledImage> toKeep = files.read(learn);
    try (LetheClient lethe = server.connect()) {
      List<LabelledImage> unlearn = labelled(lethe, toUnlearn);
      List<LabelledImage> keep = labelled(lethe, toKeep);
      if (dryRun) {
        return new DryRun(console, output, server.isQuiet()).run(lethe, spec(), unlearn);
      }
      Job job = lethe.submitUnlearn(spec(), unlearn, keep);
      if (detach) {
        output.one(console, job, () -> console.out().println(job.getId()), job.getId());
        return 0;
      }
      if (output.isText() && !server.isQuiet()) {
        console.out().println("Job " + job.getId() + ": unlearning " + what(unlearn) + ", with " + count(keep)
            + " to keep. It goes on if this command ends: lethe jobs watch " + job.getId());
      }
      JobOutcome outcome = new JobOutcome(console, server.isQuiet() || !output.isText());
      Job ended = outcome.follow(lethe, job.getId());
      if (out != null && ended.hasReport()) {
        save(lethe.report(job.getId()));
      }
      if (output.isText()) {
        return outcome.report(ended, unlearn, keep);
      }
      output.one(console, ended, () -> { }, ended.getId());
      return outcome.end(ended);
    }
  }

  /** Images without the labels that names of sub-folders are, of a model that has no classes. */
  private List<LabelledImage> labelled(LetheClient lethe, List<LabelledImage> all) {
    if (label != null || all.stream().allMatch(image -> image.getLabel().isEmpty()) || !withoutClasses(lethe)) {
      return all;
    }
    return all.stream().map(image -> image.toBuilder().clearLabel().build()).toList();
  }

  /** Whether the model's card says so; else it is for the server to refuse labels. */
  private boolean withoutClasses(LetheClient lethe) {
    if (unlabelled == null) {
      JsonElement labels = JsonParser.parseString(lethe.card(spec.model == null ? "" : spec.model, "")).getAsJsonObject()
          .get("labels");
      unlabelled = labels != null && labels.isJsonArray() && labels.getAsJsonArray().isEmpty();
      if (unlabelled && output.isText() && !server.isQuiet()) {
        console.out().println("The model has no classes: names of sub-folders are taken for no labels.");
      }
    }
    return unlabelled;
  }

  /** Whether this command has an option of this name. */
  static boolean hasOption(String name) {
    return new CommandLine(new UnlearnCommand(Console.system())).getCommandSpec().findOption(name) != null;
  }

  UnlearnSpec spec() {
    UnlearnSpec.Builder all = spec.build().toBuilder().setSkipUnreadable(skipUnreadable);
    Optional.ofNullable(requestKey).ifPresent(all::setRequestKey);
    return all.build();
  }

  private void save(GetReportResponse report) throws IOException {
    try (WholeFiles files = WholeFiles.in(out)) {
      files.add(REPORT, ReportJson.write(report.getReport(), Optional.empty()).getBytes(StandardCharsets.UTF_8));
      files.add(PICTURES, report.getBeforeAfterPng().toByteArray());
      files.publish();
    }
    if (output.isText() && !server.isQuiet()) {
      console.out().println(REPORT + " and " + PICTURES + " are in " + out);
    }
  }

  private String what(List<LabelledImage> images) {
    return spec.classes.isEmpty() ? count(images)
        : (spec.classes.size() == 1 ? "class " : "classes ") + String.join(", ", spec.classes);
  }

  private static String count(List<LabelledImage> images) {
    return images.size() + (images.size() == 1 ? " image" : " images");
  }
}
