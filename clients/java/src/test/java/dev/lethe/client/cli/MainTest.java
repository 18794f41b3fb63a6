package dev.lethe.client.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonParser;
import com.google.protobuf.ByteString;
import dev.lethe.client.FakeServer;
import dev.lethe.client.console.Console;
import dev.lethe.v1.BadImages;
import dev.lethe.v1.Gates;
import dev.lethe.v1.GenerateRequest;
import dev.lethe.v1.ImageFit;
import dev.lethe.v1.ImageFormat;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobState;
import dev.lethe.v1.NoiseMode;
import dev.lethe.v1.Recipe;
import dev.lethe.v1.SubmitRequest;
import dev.lethe.v1.SubstituteKind;
import dev.lethe.v1.UnlearnKind;
import dev.lethe.v1.UnlearnMode;
import dev.lethe.v1.UnlearnSpec;
import dev.lethe.v1.Vector;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import java.awt.image.BufferedImage;
import javax.imageio.ImageIO;
import org.jcodec.api.FrameGrab;
import org.jcodec.api.JCodecException;
import org.jcodec.common.io.NIOUtils;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** The commands as a user types them, against a server of the protocol. */
@Timeout(30)
class MainTest {

  @TempDir
  private Path folder;

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();
  private FakeServer server;

  @BeforeEach
  void start() throws IOException {
    server = new FakeServer();
  }

  @AfterEach
  void stop() {
    server.close();
  }

  /** Adds --server. */
  private int lethe(String... args) {
    List<String> all = new ArrayList<>(List.of(args));
    all.add("--server=" + server.address());
    return Main.commandLine(new Console(new PrintStream(out, true), new PrintStream(err, true), 0))
        .execute(all.toArray(String[]::new));
  }

  private Path image() throws IOException {
    Path file = folder.resolve("a.png");
    ImageIO.write(new BufferedImage(4, 4, BufferedImage.TYPE_BYTE_GRAY), "png", file.toFile());
    return file;
  }

  private List<String> written(Path in) throws IOException {
    try (Stream<Path> files = Files.list(in)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void generateWritesAFileForEachSeed() throws IOException {
    Path to = folder.resolve("out");
    assertEquals(0, lethe("generate", "--seeds", "0,2-3", "--label", "7", "--psi", "0.5", "--out", to.toString()));
    assertEquals(List.of("0000-7-seed0.png", "0001-7-seed2.png", "0002-7-seed3.png"), written(to));
    GenerateRequest request = server.generated.get(0);
    assertEquals(List.of(0, 2, 3), request.getSeeds().getValuesList());
    assertEquals("7", request.getLabel());
    assertEquals(0.5f, request.getPsi());
    assertEquals(ImageFormat.IMAGE_FORMAT_PNG, request.getFormat());
    assertFalse(request.hasCount());
  }

  @Test
  void generateLeavesDefaultsToTheServer() {
    assertEquals(0, lethe("generate", "--out", folder.resolve("one.png").toString()));
    assertEquals(GenerateRequest.newBuilder().setFormat(ImageFormat.IMAGE_FORMAT_PNG).build(),
        server.generated.get(0));
    assertTrue(Files.exists(folder.resolve("one.png")));
  }

  @Test
  void generateDrawsAGrid() throws IOException {
    Path grid = folder.resolve("grid.png");
    assertEquals(0, lethe("generate", "-n", "6", "--grid", "--columns", "3", "--out", grid.toString()));
    assertEquals(3 * 64 + 4 * 2, ImageIO.read(grid.toFile()).getWidth());
    assertEquals(2 * 64 + 3 * 2, ImageIO.read(grid.toFile()).getHeight());
  }

  @Test
  void generateTakesTheReferencesNames() {
    assertEquals(0, lethe("generate", "--seeds", "1", "--trunc", "0.7", "--noise-mode", "none", "--outdir",
        folder.resolve("a").toString()));
    assertEquals(0.7f, server.generated.get(0).getPsi());
    assertEquals(NoiseMode.NOISE_MODE_NONE, server.generated.get(0).getNoiseMode());
    assertEquals(2, lethe("generate", "--noise-mode", "loud"));
    assertTrue(err.toString().contains("const, none, random"), err.toString());
  }

  /** Of rows 5, 6 and columns 8, 9, 10 the coarse layers are the row's and the others the column's. */
  @Test
  void generateMixesStyles() throws IOException {
    Path to = folder.resolve("mixed");
    assertEquals(0, lethe("generate", "--rows", "5,6", "--cols", "8-10", "--styles", "2-9", "--trunc", "0.5", "--label", "7",
        "--outdir", to.toString()), err::toString);
    assertEquals(List.of("5-10.png", "5-8.png", "5-9.png", "6-10.png", "6-8.png", "6-9.png", "grid.png"), written(to));
    GenerateRequest alone = server.generated.get(0);
    assertEquals(List.of(5, 6, 8, 9, 10), alone.getSeeds().getValuesList());
    assertTrue(alone.getIncludeW());
    GenerateRequest mixed = server.generated.get(1);
    assertFalse(mixed.hasPsi() || mixed.hasSeeds());
    assertEquals("", mixed.getLabel());
    // The w of image i is (i, 10 i + 0.5) in all layers.
    List<Float> second = mixed.getW().getValues(4).getValuesList();
    assertEquals(List.of(1f, 10.5f, 1f, 10.5f, 3f, 30.5f), second.subList(0, 6));
    assertEquals(16, second.size());
    assertEquals(4 * 64 + 5 * 2, ImageIO.read(to.resolve("grid.png").toFile()).getWidth());
    assertEquals(2, lethe("generate", "--rows", "5", "--outdir", to.toString()));
    assertEquals(1, lethe("generate", "--rows", "5", "--cols", "6", "--styles", "8-9", "--outdir", to.toString()));
    assertTrue(err.toString().contains("the model has 8, 0 to 7"), err.toString());
  }

  /** From seed to seed by way of w, which come from the server; as a video, that begins as MP4 files do. */
  @Test
  void generateInterpolatesBetweenSeeds() throws IOException, JCodecException {
    Path video = folder.resolve("walk.mp4");
    assertEquals(0, lethe("generate", "--seeds", "1-3", "--interpolate", "4", "--out", video.toString()), err::toString);
    List<Vector> way = server.generated.get(1).getW().getValuesList();
    assertEquals(9, way.size());
    assertEquals(List.of(0.25f, 3f), way.get(1).getValuesList().subList(0, 2));
    assertEquals(List.of(2f, 20.5f), way.get(8).getValuesList().subList(0, 2));
    assertEquals("ftyp", new String(Files.readAllBytes(video), 4, 4, StandardCharsets.US_ASCII));
    assertEquals(9, FrameGrab.createFrameGrab(NIOUtils.readableChannel(video.toFile())).getVideoTrack().getMeta()
        .getTotalFrames());
    assertEquals(List.of("walk.mp4"), written(folder));
    assertEquals(2, lethe("generate", "--seeds", "1", "--interpolate", "4"));
    assertTrue(err.toString().contains("name two or more"), err.toString());
  }

  @Test
  void aRefusalIsOneLine() {
    assertEquals(1, lethe("generate", "--label", "cat"));
    assertEquals("lethe: INVALID_ARGUMENT: label: there is no class \"cat\"" + System.lineSeparator(), err.toString());
    err.reset();
    assertEquals(1, lethe("jobs", "get", "job-9"));
    assertEquals("lethe: NOT_FOUND: there is no job \"job-9\"" + System.lineSeparator(), err.toString());
  }

  @ParameterizedTest
  @ValueSource(strings = {"--seeds=", "--seeds=3-1", "--seeds=-1", "--seeds=4294967296", "--seeds=a", "--seeds=0-70000",
      "--psi=x", "--format=gif", "--server=no:where", "--bogus"})
  void wrongOptionsAreExplained(String option) {
    String server = option.startsWith("--server") ? option : "--server=localhost:1";
    int exit = Main.commandLine(new Console(new PrintStream(out, true), new PrintStream(err, true), 0))
        .execute("generate", option.startsWith("--server") ? "-n=1" : option, server);
    assertEquals(2, exit);
    assertTrue(err.toString().startsWith("lethe: "), err.toString());
    assertTrue(err.toString().lines().count() <= 2, err.toString());
  }

  @Test
  void unlearnSendsEveryField() throws IOException {
    assertEquals(0, lethe("unlearn", image().toString(), "--label=3", "--learn", image().toString(), "--model=mnist",
        "--kind=class", "--mode=zero-shot", "--substitute=projection", "--fake-label=-1", "--iterations=10",
        "--batch=8", "--learning-rate=0.01", "--lambda1=2", "--lambda2=0.3", "--seed=9", "--min-auc-lu=0.9",
        "--max-fid-l-increase=0.2", "--min-acc=0.8", "--keep-as-candidate", "--classes=3,five",
        "--max-inversion-error=0.1", "--bad-images=skip", "--recipe=paper", "--moving-weight=0.7", "--layers-up-to=16",
        "--min-redacted=0.85", "--max-collateral=0.3", "--max-fid-root-increase=0.25", "--promote-not-forgotten",
        "--fit=pad", "--background=ff8000", "--skip-unreadable", "--request-key=case-7", "--keep-pictures"), err::toString);
    assertEquals(UnlearnSpec.newBuilder().setModel("mnist").setKind(UnlearnKind.UNLEARN_KIND_CLASS)
        .setMode(UnlearnMode.UNLEARN_MODE_ZERO_SHOT).setSubstitute(SubstituteKind.SUBSTITUTE_KIND_PROJECTION)
        .setFakeLabel(-1).setIterations(10).setBatch(8).setLearningRate(0.01).setLambda1(2).setLambda2(0.3).setSeed(9)
        .setGates(Gates.newBuilder().setMinAucLu(0.9).setMaxFidLIncrease(0.2).setMinAcc(0.8)
            .setMinRedactedFresh(0.85).setMaxCollateral(0.3).setMaxFidRootIncrease(0.25).setPromoteNotForgotten(true))
        .setRecipe(Recipe.RECIPE_PAPER).setMovingWeight(0.7).setLayersUpTo(16).setKeepAsCandidate(true)
        .addClasses("3").addClasses("five").setMaxInversionError(0.1).setBadImages(BadImages.BAD_IMAGES_SKIP)
        .setFit(ImageFit.IMAGE_FIT_PAD).setBackground(0xff8000).setSkipUnreadable(true).setRequestKey("case-7")
        .setKeepPictures(true).build(),
        server.uploaded.get(0).getSpec());
    SubmitRequest images = server.uploaded.get(1);
    assertEquals("3", images.getImages().getImages(0).getLabel());
    assertEquals(ByteString.copyFrom(Files.readAllBytes(folder.resolve("a.png"))),
        images.getImages().getImages(0).getImage().getData());
  }

  @Test
  void theFakeLabelMayBeAutomaticAndClassesNeedNoImages() throws IOException {
    assertEquals(0, lethe("unlearn", "--kind=class", "--classes=7", "--fake-label=auto"), err::toString);
    assertEquals(UnlearnSpec.newBuilder().setKind(UnlearnKind.UNLEARN_KIND_CLASS).addClasses("7")
        .setAutoFakeLabel(true).build(), server.uploaded.get(0).getSpec());
    assertEquals(2, lethe("unlearn", "--fake-label=low"));
    assertTrue(err.toString().contains("'low' is neither a number nor auto"), err.toString());
  }

  @Test
  void everyFieldOfTheSpecificationHasAnOption() {
    assertEquals(25, UnlearnSpec.getDescriptor().getFields().size(),
        "a new field of UnlearnSpec needs an option of unlearn, and a place in the tests above");
  }

  @Test
  void unlearnReportsAndSaves() throws IOException {
    Path results = folder.resolve("results");
    assertEquals(0, lethe("unlearn", image().toString(), "--label=3", "--out", results.toString()), err::toString);
    assertEquals(UnlearnSpec.getDefaultInstance(), server.uploaded.get(0).getSpec());
    assertEquals(List.of("report.json", "unlearned.png"), written(results));
    assertTrue(out.toString().contains("inversion"), out.toString());
    assertTrue(out.toString().contains("membership AUC"), out.toString());
    assertTrue(out.toString().contains("Verdict: forgotten: the images are drawn no more"), out.toString());
    assertTrue(out.toString().contains("Version v2 serves now, in place of v1."), out.toString());
  }

  @Test
  void unlearnDetached() throws IOException {
    assertEquals(0, lethe("unlearn", image().toString(), "--detach"));
    assertEquals("job-1" + System.lineSeparator(), out.toString());
  }

  @Test
  void aFailedJobIsExitCode1() throws IOException {
    server.jobEndsAs(Job.newBuilder().setState(JobState.JOB_STATE_FAILED).setMessage("out of memory").build());
    assertEquals(1, lethe("unlearn", image().toString()));
    assertEquals("lethe: job job-1 failed: out of memory" + System.lineSeparator(), err.toString());
  }

  @Test
  void aClosedGateIsExitCode3() throws IOException {
    server.jobEndsAs(server.outcome().toBuilder().setPromoted(false).setMessage("not promoted: auc_lu is 0.6").build());
    assertEquals(3, lethe("unlearn", image().toString()));
    assertTrue(out.toString().contains("Version v2 is a candidate; v1 still serves: not promoted: auc_lu is 0.6"));
  }

  @Test
  void whatIsNotForgottenIsExitCode3AndSaysWhy() throws IOException {
    server.jobEndsAs(server.outcome().toBuilder().setPromoted(false).setMessage("not promoted: not forgotten")
        .setReport(FakeServer.report().toBuilder().setVerdict("not forgotten").addReasons("they are still drawn"))
        .build());
    assertEquals(3, lethe("unlearn", image().toString()));
    assertTrue(out.toString().contains("Verdict: not forgotten: they are still drawn"), out.toString());
  }

  @Test
  void unlearnRefusesFilesBeforeItConnects() {
    assertEquals(1, lethe("unlearn", folder.resolve("none.png").toString()));
    assertEquals("lethe: " + folder.resolve("none.png") + ": there is no such file or folder" + System.lineSeparator(),
        err.toString());
    err.reset();
    assertEquals(2, lethe("unlearn", "x.png", "--mode", "no-shot"));
    assertTrue(err.toString().contains("'no-shot' is none of few-shot"), err.toString());
  }

  /** Albums of a phone are folders, and no classes of a model that has none. */
  @Test
  void namesOfSubFoldersAreLabelsWhereTheModelHasClasses() throws IOException {
    Path album = Files.createDirectories(folder.resolve("photos/holiday"));
    Files.copy(image(), album.resolve("a.png"));
    assertEquals(0, lethe("unlearn", album.getParent().toString()), err::toString);
    assertEquals("holiday", server.uploaded.get(1).getImages().getImages(0).getLabel());
    server.withoutClasses();
    assertEquals(0, lethe("unlearn", album.getParent().toString(), "--learn", album.getParent().toString()), err::toString);
    for (SubmitRequest message : server.uploaded.subList(1, server.uploaded.size())) {
      assertEquals("", message.getImages().getImages(0).getLabel());
    }
    assertTrue(out.toString().contains("The model has no classes: names of sub-folders are taken for no labels."),
        out.toString());
    // What is asked for is not taken for a mistake.
    assertEquals(0, lethe("unlearn", album.getParent().toString(), "--label=3"), err::toString);
    assertEquals("3", server.uploaded.get(1).getImages().getImages(0).getLabel());
  }

  @Test
  void remediesOfTheServerAreOptionsHere() throws IOException {
    server.jobEndsAs(Job.newBuilder().setState(JobState.JOB_STATE_FAILED)
        .setMessage("leave them out, raise the limit, or let bad_images be SKIP").build());
    for (List<String> command : List.of(List.of("unlearn", image().toString()), List.of("jobs", "watch", "job-1"))) {
      err.reset();
      assertEquals(1, lethe(command.toArray(String[]::new)));
      assertEquals("lethe: job job-1 failed: leave them out, raise the limit, or say --bad-images skip"
          + System.lineSeparator(), err.toString());
    }
  }

  @Test
  void projectTakesOneImage() throws IOException {
    image();
    assertEquals(2, lethe("project", folder.toString()));
    assertTrue(err.toString().contains(folder + " is a folder; name one image"), err.toString());
  }

  @Test
  void jobs() {
    assertEquals(0, lethe("jobs", "list"));
    assertTrue(out.toString().contains("job-1  succeeded"), out.toString());
    assertEquals(0, lethe("jobs", "get", "job-1"));
    assertTrue(out.toString().contains("new        v2, serves"), out.toString());
    assertEquals(0, lethe("jobs", "watch", "job-1"));
    assertEquals(0, lethe("jobs", "cancel", "job-1"));
    assertTrue(out.toString().contains("state      cancelled"), out.toString());
    assertEquals(1, lethe("jobs", "watch", "job-1"));
  }

  @Test
  void models() {
    assertEquals(0, lethe("models", "list"));
    assertTrue(out.toString().contains("mnist  v1       active"), out.toString());
    assertEquals(0, lethe("models", "activate", "mnist", "v2"));
    out.reset();
    assertEquals(0, lethe("models", "active", "mnist"));
    assertEquals("v2" + System.lineSeparator(), out.toString());
    out.reset();
    assertEquals(0, lethe("models", "card", "mnist"));
    assertEquals("{\"name\": \"mnist\", \"network\": {\"w_dim\": 2}}" + System.lineSeparator(), out.toString());
  }

  @Test
  void versionsAreRetiredAndPurged() {
    assertEquals(2, lethe("models", "retire", "mnist", "v1"));
    assertTrue(err.toString().contains("--reason"), err.toString());
    assertEquals(0, lethe("models", "retire", "mnist", "v1", "--reason", "draws badly"));
    assertTrue(out.toString().contains("is retired. Its files are deleted on 2027-01-1"), out.toString());
    assertEquals(0, lethe("models", "purge", "mnist", "v1"));
    assertTrue(out.toString().contains("model.json, mapping.onnx"), out.toString());
  }

  @Test
  void aCertificateComesWithAllThatVerifiesIt() throws IOException {
    Path to = folder.resolve("proof");
    assertEquals(0, lethe("certificate", "job-1", "--out", to.toString()));
    assertEquals(List.of("certificate.html", "certificate.pdf", "erasure.sigstore.json", "model.sig", "report.json",
        "signing.pem.pub"), written(to));
    assertEquals("report of job-1", Files.readString(to.resolve("report.json")));
    assertEquals(0, lethe("certificate", "--model", "mnist", "--version", "v2", "--out", to.toString()));
    assertTrue(out.toString().contains("Version v2 of mnist"), out.toString());
    assertEquals(0, lethe("certificate", "--out", to.toString()), "of the active version");
    assertEquals(1, lethe("certificate", "job-0", "--out", folder.resolve("none").toString()));
    assertTrue(err.toString().contains("no erasure of job job-0 was promoted"), err.toString());
    assertTrue(!Files.exists(folder.resolve("none")), "nothing is written if nothing came");
    assertEquals(2, lethe("certificate", "job-1", "--version", "v2", "--out", to.toString()), "one or the other");
  }

  @ParameterizedTest
  @ValueSource(strings = {"generate", "unlearn", "jobs", "models", "certificate"})
  void everyCommandHasHelp(String command) {
    int exit = Main.commandLine(new Console(new PrintStream(out, true), new PrintStream(err, true), 0))
        .execute(command, "--help");
    assertEquals(0, exit);
    assertTrue(out.toString().contains("Usage: lethe " + command), out.toString());
  }

  @Test
  void nothingIsWrittenUnlessAllIsWell() throws IOException {
    Path file = folder.resolve("a.png");
    assertEquals(2, lethe("generate", "--seeds", "0-3", "--out", file.toString()));
    assertTrue(err.toString().contains("4 images are asked for"), err.toString());
    assertEquals(2, lethe("generate", "--format", "jpeg", "--out", file.toString()));
    assertEquals(2, lethe("generate", "--grid", "--out", folder.resolve("a.jpg").toString()));
    assertEquals(1, lethe("generate", "--label", "cat", "--out", folder.resolve("cats").toString()));
    assertEquals(List.of(), written(folder));
    assertEquals(0, server.generated.size() - 1, "the server was asked once");
    assertEquals(0, lethe("generate", "--out", folder.resolve("b.jpg").toString()));
    assertEquals(ImageFormat.IMAGE_FORMAT_JPEG, server.generated.get(1).getFormat());
    out.reset();
    assertEquals(0, lethe("generate", "--seeds", "7", "-o", "json", "--out", folder.resolve("c").toString()));
    JsonArray files = JsonParser.parseString(out.toString()).getAsJsonArray();
    assertEquals(7, files.get(0).getAsJsonObject().get("seed").getAsInt());
    assertEquals(List.of(Path.of(files.get(0).getAsJsonObject().get("file").getAsString()).getFileName().toString()),
        written(folder.resolve("c")));
  }

  @Test
  void allFilesComeOrNone() throws IOException {
    Path proof = Files.createDirectories(folder.resolve("proof"));
    Files.createDirectories(proof.resolve("certificate.pdf"));
    assertEquals(1, lethe("certificate", "job-1", "--out", proof.toString()));
    assertTrue(err.toString().contains("certificate.pdf: is a folder"), err.toString());
    assertEquals(1, err.toString().lines().count(), err.toString());
    assertEquals(List.of("certificate.pdf"), written(proof));
  }

  @Test
  void whereFilesCannotGoIsSaidBeforeAJob() throws IOException {
    String photo = image().toString();
    Path results = Files.createDirectories(folder.resolve("results/unlearned.png")).getParent();
    assertEquals(1, lethe("unlearn", photo, "--out", results.toString()));
    assertTrue(err.toString().contains("unlearned.png: is a folder"), err.toString());
    assertEquals(List.of("unlearned.png"), written(results));
    assertEquals(List.of(), server.uploaded);
    server.jobEndsAs(Job.newBuilder().setState(JobState.JOB_STATE_FAILED).setMessage("out of memory").build());
    assertEquals(1, lethe("unlearn", photo, "--out", folder.resolve("no/where").toString()));
    assertTrue(!Files.exists(folder.resolve("no")), "no folder for what did not come");
  }

  @Test
  void resultsComeInTheFormThatIsAskedFor() {
    assertEquals(0, lethe("models", "list", "-o", "name"));
    assertTrue(out.toString().lines().allMatch(line -> line.startsWith("mnist/")), out.toString());
    out.reset();
    assertEquals(0, lethe("models", "list", "-o", "json"));
    JsonArray versions = JsonParser.parseString(out.toString()).getAsJsonArray();
    assertEquals("mnist", versions.get(0).getAsJsonObject().get("model").getAsString());
    assertTrue(versions.get(0).getAsJsonObject().has("parentVersion"), "fields are there when they are empty, too");
    out.reset();
    assertEquals(0, lethe("unlearn", "--kind=class", "--classes=7", "--detach"));
    String id = out.toString().strip();
    out.reset();
    assertEquals(0, lethe("jobs", "list", "--output=name"));
    assertEquals(List.of(id), out.toString().lines().toList());
    out.reset();
    assertEquals(0, lethe("jobs", "get", id, "-o", "json"));
    assertEquals(id, JsonParser.parseString(out.toString()).getAsJsonObject().get("id").getAsString());
    out.reset();
    assertEquals(0, lethe("jobs", "list", "-o", "wide"));
    assertTrue(out.toString().contains("VERDICT"), out.toString());
    out.reset();
    assertEquals(2, lethe("jobs", "list", "-o", "yaml"));
    assertTrue(err.toString().contains("table"), err.toString());
  }

  @Test
  void waitSaysNothingAndTellsByItsCode() {
    assertEquals(0, lethe("wait", "--ready"));
    assertEquals(0, lethe("unlearn", "--kind=class", "--classes=7", "--detach"));
    String id = out.toString().strip();
    out.reset();
    assertEquals(0, lethe("wait", id));
    assertEquals("", out.toString());
    assertEquals("", err.toString());
    assertEquals(2, lethe("wait"));
    assertEquals(1, lethe("wait", "job-9"));
  }

  /** A job that goes on is no failure, and neither is the wait without an end. */
  @Test
  void waitingForJobsHasAnEnd() {
    server.jobTakes(60_000);
    assertEquals(4, lethe("wait", "job-1", "--for", "1"));
    assertEquals("", out.toString());
    assertTrue(err.toString().matches("lethe: job job-1 has not ended after 1 s \\(--for\\): it is running, \\d+ % done, and "
        + "goes on\\R"), err.toString());
    assertEquals(1, lethe("wait", "job-9", "job-1", "--for=1"));
    server.jobTakes(0);
    assertEquals(0, lethe("wait", "job-1", "--for", "60", "-o", "name"), err::toString);
    assertEquals("job-1\n", out.toString());
    assertEquals(2, lethe("wait", "job-1", "--for", "0"));
    for (String[] ignored : new String[][] {{"wait", "job-1", "--timeout", "3"}, {"jobs", "watch", "job-1", "--timeout=3"}}) {
      err.reset();
      assertEquals(2, lethe(ignored));
      assertTrue(err.toString().contains("--timeout is about") && err.toString().contains("--for SECONDS"), err.toString());
    }
  }

  /** Whatever the command, and however late the first byte of its results fails. */
  @Test
  void resultsThatAreNotWrittenFail() throws IOException {
    for (String[] verb : new String[][] {{"models", "list", "-o", "json"}, {"models", "card", "mnist"}, {"jobs", "list"},
        {"generate", "-o", "json", "--out", folder.resolve("full").toString()}, {"wait", "job-1", "-o", "name"}, {"completion"},
        {"--help"}, {"models", "list", "--help"}}) {
      err.reset();
      assertEquals(1, into("No space left on device", verb), String.join(" ", verb));
      assertEquals("lethe: standard output could not be written: No space left on device\n", err.toString());
      err.reset();
      assertEquals(0, into("Broken pipe", verb), String.join(" ", verb));
      assertEquals("", err.toString());
    }
  }

  private int into(String failure, String... args) {
    OutputStream failing = new OutputStream() {
      @Override
      public void write(int one) throws IOException {
        throw new IOException(failure);
      }
    };
    List<String> all = new ArrayList<>(List.of(args));
    if (!args[0].equals("completion") && !args[0].equals("--help")) {
      all.add("--server=" + server.address());
    }
    return Main.commandLine(new Console(Console.results(failing), new PrintStream(err, true), 0))
        .execute(all.toArray(String[]::new));
  }

  @Test
  void quietIsWithoutProgress() {
    assertEquals(0, lethe("unlearn", "--kind=class", "--classes=7", "-q"));
    assertFalse(out.toString().contains("["), out.toString());
  }

  @Test
  void detachedThereIsNoReportToWrite() throws IOException {
    assertEquals(2, lethe("unlearn", "--kind=class", "--classes=7", "--detach", "--out", folder.toString()));
    assertTrue(err.toString().contains("does not wait"), err.toString());
    assertEquals(List.of(), server.uploaded);
    assertEquals(0, lethe("unlearn", "--kind=class", "--classes=7", "--detach", "-o", "json"));
    assertTrue(JsonParser.parseString(out.toString()).getAsJsonObject().has("id"), out.toString());
  }

  @Test
  void theHelpNamesEachDefaultAndEveryVerbHasItsForms() {
    commands(Main.commandLine(Console.system())).forEach(command -> {
      command.getCommandSpec().options().stream()
          .filter(option -> !option.usageHelp() && !option.versionHelp() && !option.required())
          .forEach(option -> assertTrue(String.join(" ", option.description()).toLowerCase(Locale.ROOT)
              .contains("default"), command.getCommandSpec().qualifiedName() + " " + option.longestName()));
      boolean verb = command.getSubcommands().isEmpty() && !command.getCommandName().equals("completion");
      assertEquals(verb, command.getCommandSpec().findOption("-o") != null, command.getCommandSpec().qualifiedName());
    });
  }

  private static Stream<CommandLine> commands(CommandLine command) {
    return Stream.concat(Stream.of(command),
        command.getSubcommands().values().stream().flatMap(MainTest::commands));
  }

  /** Without {@code --server}. */
  private int bare(String... args) {
    return Main.commandLine(new Console(new PrintStream(out, true), new PrintStream(err, true), 0)).execute(args);
  }

  @Test
  void whatTheConnectionFailsOfIsSaidInWords() {
    assertEquals(1, bare("models", "list", "--server=no-such-host.invalid:8080", "--timeout=20"));
    assertTrue(err.toString().startsWith("lethe: there is no host of that name"), err.toString());
    assertEquals(1, err.toString().lines().count());
    err.reset();
    assertEquals(1, bare("models", "list", "--server=localhost:1", "--timeout=20"));
    assertTrue(err.toString().startsWith("lethe: Connection refused: localhost/"), err.toString());
    assertTrue(err.toString().contains("is a server running there?"), err.toString());
    assertEquals(1, err.toString().lines().count());
    err.reset();
    assertEquals(1, lethe("models", "list", "--tls", "--timeout=20"));
    assertTrue(err.toString().contains("does not speak TLS"), err.toString());
    err.reset();
    assertEquals(1, bare("jobs", "get", "job-9", "--server=" + server.address(), "-v"));
    assertTrue(err.toString().contains("\tat dev.lethe."), err.toString());
  }

  @Test
  void anAddressMayBeAUrl() {
    assertEquals(0, bare("models", "list", "--server=http://" + server.address()), err::toString);
    assertEquals(0, bare("models", "list", "--server=http://" + server.address() + "/"), err::toString);
    for (String address : List.of("ftp://localhost", "http://localhost:8080/v1", "localhost:x", "localhost:0",
        "localhost:70000", "::1", "http://me@localhost", "local host")) {
      err.reset();
      assertEquals(2, bare("models", "list", "--server=" + address), address);
      assertTrue(err.toString().startsWith("lethe: --server " + address + ": it"), err.toString());
    }
    err.reset();
    assertEquals(2, bare("models", "list", "--server=http://localhost:8080", "--tls"));
    assertTrue(err.toString().contains("is without TLS, and --tls asks for it; write https://"), err.toString());
  }

  /** What is not there in the end is not a folder of a file's name. */
  @Test
  void aFileThatIsNotWrittenIsRefusedByItsName() throws IOException {
    String photo = image().toString();
    List<List<String>> commands = List.of(List.of("generate"), List.of("generate", "--grid"),
        List.of("generate", "--seeds=1,2", "--interpolate=3"), List.of("generate", "--rows=1", "--cols=2"),
        List.of("unlearn", photo, "--label=3"), List.of("project", photo), List.of("certificate", "job-1"));
    for (List<String> command : commands) {
      for (String name : List.of("a.gif", "a.webp", "a.safetensors")) {
        refused(command, folder.resolve(name), command.contains("--grid") ? "name it .png"
            : command.get(0).equals("generate") ? "there are .png, .jpg, .jpeg, .mp4" : "is the name of a file");
      }
      Path below = folder.resolve("a.png").resolve(command.contains("--grid") ? "b.png" : "b");
      refused(command, below, ": " + folder.resolve("a.png") + " is a file; name a folder");
      if (!command.contains("--grid")) {
        Files.writeString(folder.resolve("plain"), "");
        refused(command, folder.resolve("plain"), "plain is a file; name a folder");
        Files.delete(folder.resolve("plain"));
      }
    }
    Files.createDirectory(folder.resolve("b.png"));
    refused(List.of("generate"), folder.resolve("b.png"), "b.png is a folder; name a file");
    assertEquals(List.of("a.png", "b.png"), written(folder));
    assertEquals(List.of(), server.generated);
    assertEquals(List.of(), server.uploaded);
    Path made = Files.createDirectory(folder.resolve("run.final"));
    assertEquals(0, lethe("generate", "--out", made.toString()), "a folder that is there is one, whatever its name");
  }

  private void refused(List<String> command, Path place, String words) {
    err.reset();
    List<String> all = new ArrayList<>(command);
    all.add("--out=" + place);
    assertEquals(2, lethe(all.toArray(String[]::new)), all + ": " + err);
    assertTrue(err.toString().contains(words), () -> words + " is to be in: " + err);
  }

  @Test
  void whatIsShownIsGot() {
    Main.commandLine(Console.system()).getSubcommands().values().stream()
        .filter(command -> command.getSubcommands().containsKey("list"))
        .forEach(command -> assertEquals(command.getSubcommands().get("get"), command.getSubcommands().get("show"),
            command.getCommandName()));
    assertEquals(0, lethe("jobs", "show", "job-1"));
    assertEquals(0, lethe("models", "get", "mnist"));
  }

  @Test
  void aCommandIsMadeAsItIsAmongAll() {
    CommandLine all = Main.commandLine(Console.system());
    all.getSubcommands().keySet().stream().filter(name -> !name.equals("completion")).forEach(name -> {
      CommandLine alone = Main.commandLine(Console.system(), name, "--help");
      assertEquals(List.of(name), List.copyOf(alone.getSubcommands().keySet()));
      assertEquals(all.getSubcommands().get(name).getUsageMessage(), alone.getSubcommands().get(name).getUsageMessage());
    });
    for (String first : List.of("completion", "--help", "generat")) {
      assertEquals(all.getSubcommands().keySet(), Main.commandLine(Console.system(), first).getSubcommands().keySet());
    }
    assertEquals(List.of(), List.copyOf(Main.commandLine(Console.system(), "--version").getSubcommands().keySet()));
  }

  @Test
  void theCommandLineTellsItsVersionAndCompletesItself() {
    assertEquals(0, bare("--version"));
    assertTrue(out.toString().startsWith("lethe "), out.toString());
    out.reset();
    assertEquals(0, bare("completion"));
    assertTrue(out.toString().contains("complete -F _complete_lethe") && out.toString().contains("--bad-images"),
        out.toString().substring(0, 500));
  }
}
