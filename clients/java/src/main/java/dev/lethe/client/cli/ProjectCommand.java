package dev.lethe.client.cli;

import com.google.gson.JsonObject;
import dev.lethe.client.LetheClient;
import dev.lethe.client.console.Console;
import dev.lethe.client.console.OutPath;
import dev.lethe.client.image.ImageFiles;
import dev.lethe.v1.ImageFit;
import dev.lethe.v1.LabelledImage;
import dev.lethe.v1.ProjectRequest;
import dev.lethe.v1.Projection;
import dev.lethe.v1.ProjectionSpace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lethe project}. */
@Command(name = "project", description = "Looks for the latents at which a model draws what is nearest to an image. Writes "
    + "projected_w.npz (the array w, as the reference's projector), proj.png (what the model draws there) and "
    + "side_by_side.png; 'lethe generate --w projected_w.npz' draws it again.")
final class ProjectCommand implements Callable<Integer> {

  private static final String LATENTS = "projected_w.npz";
  private static final String PICTURE = "proj.png";
  private static final String BOTH = "side_by_side.png";

  private final Console console;

  @Spec
  private CommandSpec command;

  @Mixin
  private ServerOptions server;

  @Mixin
  private Output output;

  @Parameters(paramLabel = "FILE", description = "The image: PNG, JPEG or WebP.")
  private Path file;

  @Option(names = "--model", defaultValue = "", description = "The model; default: the server's only one.")
  private String model;

  @Option(names = "--model-version", paramLabel = "VERSION", defaultValue = "",
      description = "A version of the model; default: the active one.")
  private String version;

  @Option(names = "--label", paramLabel = "CLASS", defaultValue = "", description = "Its class, of a conditional model. Default: none.")
  private String label;

  @Option(names = "--space", completionCandidates = ProtoNames.Spaces.class,
      description = "Where to look: ${COMPLETION-CANDIDATES} (w+: a w for each layer, with which a generator draws nearly "
          + "anything). Default: w.")
  private ProjectionSpace space;

  @Option(names = {"--steps", "--num-steps"}, description = "Gradient steps. Default: 200.")
  private Integer steps;

  @Option(names = "--seed", defaultValue = "0", description = "Seed of the latents to start from. Default: 0.")
  private int seed;

  @Option(names = "--fit", completionCandidates = ProtoNames.Fits.class,
      description = "How an image of another size is made to fit: ${COMPLETION-CANDIDATES}. Default: exact, it is refused.")
  private ImageFit fit;

  @Option(names = "--background", paramLabel = "RRGGBB",
      description = "The colour behind transparent pixels, which are refused without it, and around a padded image."
          + " Default: black around a padded image.")
  private UnlearnCommand.Color background;

  @Option(names = {"--out", "--outdir"}, paramLabel = "DIR", defaultValue = "projected",
      description = "Where the files go. Default: projected.")
  private Path out;

  ProjectCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    if (Files.isDirectory(file)) {
      throw new ParameterException(command.commandLine(), file + " is a folder; name one image");
    }
    if (file.toString().toLowerCase(Locale.ROOT).endsWith(".zip")) {
      throw new ParameterException(command.commandLine(), file + " is a zip file; unpack it, and name one image");
    }
    LabelledImage image = new ImageFiles(Optional.of(label)).read(List.of(file)).get(0);
    OutPath.requireFolder(command, out, List.of());
    WholeFiles.check(out, LATENTS, PICTURE, BOTH);
    StudyProgress progress = new StudyProgress(console, output.isText() && !server.isQuiet());
    Projection found;
    try (LetheClient lethe = server.connect()) {
      found = lethe.project(request(image), progress::tell);
    } finally {
      progress.end();
    }
    Path latents;
    try (WholeFiles files = WholeFiles.in(out)) {
      latents = files.add(LATENTS, found.getLatentsNpz().toByteArray());
      files.add(PICTURE, found.getImagePng().toByteArray());
      files.add(BOTH, found.getSideBySidePng().toByteArray());
      files.publish();
    }
    JsonObject result = new JsonObject();
    result.addProperty("model", found.getModel());
    result.addProperty("version", found.getVersion());
    result.addProperty("error", found.getError());
    result.addProperty("preparation", found.getPreparation());
    result.add("files", Output.files(Stream.of(LATENTS, PICTURE, BOTH).map(out::resolve).toList()));
    output.one(console, result, () -> {
      if (!found.getPreparation().isEmpty()) {
        console.out().println(found.getPreparation());
      }
      console.out().println(String.format(Locale.ROOT, "Version %s of %s draws it with a squared error of %.4f: "
          + "%s, %s and %s are in %s", found.getVersion(), found.getModel(), found.getError(), LATENTS, PICTURE, BOTH, out));
    }, List.of(latents.toString()));
    return 0;
  }

  ProjectRequest request(LabelledImage image) {
    ProjectRequest.Builder request = ProjectRequest.newBuilder().setModel(model).setVersion(version).setImage(image)
        .setSeed(seed);
    Optional.ofNullable(space).ifPresent(request::setSpace);
    Optional.ofNullable(steps).ifPresent(request::setSteps);
    Optional.ofNullable(fit).ifPresent(request::setFit);
    Optional.ofNullable(background).ifPresent(color -> request.setBackground(color.rgb()));
    return request.build();
  }
}
