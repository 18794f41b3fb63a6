package dev.lethe.client.demo;

import dev.lethe.client.LetheClient;
import dev.lethe.client.console.Console;
import dev.lethe.client.console.ProgressLine;
import dev.lethe.client.console.Table;
import dev.lethe.client.image.Pictures;
import dev.lethe.client.report.ReportJson;
import dev.lethe.client.report.ReportJson.Requests;
import dev.lethe.client.report.ReportTable;
import dev.lethe.v1.GenerateRequest;
import dev.lethe.v1.GenerateResponse;
import dev.lethe.v1.GeneratedImage;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobState;
import dev.lethe.v1.Seeds;
import dev.lethe.v1.UnlearnSpec;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The main job against a running server: generate, unlearn, swap under load, generate again; pictures and report in a
 * folder.
 */
final class Demo {

  private static final int CLASSES = 10;
  private static final int SEEDS = 8;
  /** That the client in the background waits for from the new version, so that it sees the swap from both sides. */
  private static final int ANSWERS_AFTER_SWAP = 20;

  private final LetheClient lethe;
  private final Console console;
  private final Path out;
  private final Duration patience;

  /** @param patience for the first answers of the new version to the client in the background */
  Demo(LetheClient lethe, Console console, Path out, Duration patience) {
    this.lethe = lethe;
    this.console = console;
    this.out = out;
    this.patience = patience;
  }

  /** A picture of every class (columns) for every seed (rows), all of one version. */
  private record Grid(String version, List<BufferedImage> images) {
    BufferedImage picture() {
      return Pictures.grid(images, CLASSES, Pictures.readableScale(images.get(0).getWidth()));
    }
  }

  /**
   * @return what went wrong, one line each; empty if nothing did
   * @throws IOException if a file cannot be written or an answer is no image
   */
  List<String> run(UnlearnSpec spec, MnistSample.Choice choice) throws IOException, InterruptedException {
    Grid before = generate(spec.getModel());
    write("before.png", Pictures.png(before.picture()));
    say("Version " + before.version() + " drew " + before.images().size() + " digits: " + out.resolve("before.png"));

    BufferedImage any = before.images().get(0);
    BackgroundClient load = new BackgroundClient(lethe,
        GenerateRequest.newBuilder().setModel(spec.getModel()).build(), any.getWidth(), any.getHeight());
    Job ended;
    try (load) {
      load.start();
      ended = unlearn(spec, choice);
      if (ended.getPromoted()) {
        load.awaitAnswers(ended.getNewVersion(), ANSWERS_AFTER_SWAP, patience);
      }
    }
    if (ended.getState() != JobState.JOB_STATE_SUCCEEDED) {
      return List.of("the job ended as " + ProgressLine.name(ended.getState()) + ": " + ended.getMessage());
    }
    return finish(ended, load, before);
  }

  private Job unlearn(UnlearnSpec spec, MnistSample.Choice choice) {
    Job job = lethe.submitUnlearn(spec, choice.unlearn(), choice.learn());
    say("Job " + job.getId() + " unlearns " + choice.unlearn().size() + " real training images with "
        + choice.learn().size() + " others to keep, while a client keeps generating:");
    ProgressLine progress = new ProgressLine(console);
    try {
      return lethe.watch(job.getId(), progress::update);
    } finally {
      progress.end();
    }
  }

  private List<String> finish(Job job, BackgroundClient load, Grid before) throws IOException {
    List<String> wrong = new ArrayList<>();
    Requests requests = load.requests(Set.of(job.getBaseVersion(), job.getNewVersion()));
    if (requests.failed() > 0) {
      wrong.add(requests.failed() + " of " + requests.total() + " requests failed; the first: " + load.firstFailure());
    }
    write("report.json", ReportJson.write(job.getReport(), Optional.of(requests)).getBytes(StandardCharsets.UTF_8));
    byte[] unlearned = lethe.report(job.getId()).getBeforeAfterPng().toByteArray();
    write("unlearned.png", unlearned);
    Table table = ReportTable.of(job.getReport());
    table.row("requests meanwhile", "-", requests.failed() + " of " + requests.total() + " failed", answers(load));
    say("");
    table.print(console.out());
    say("");
    String verdict = ReportTable.verdict(job.getReport());
    say("Verdict: " + verdict);
    if (!job.getReport().getVerdict().equals("forgotten")) {
      wrong.add("the unlearned images are not forgotten");
    }
    if (!job.getPromoted()) {
      wrong.add("version " + job.getNewVersion() + " does not serve: " + job.getMessage());
      return wrong;
    }
    if (!load.answersByVersion().containsKey(job.getNewVersion())) {
      wrong.add("no request was answered by version " + job.getNewVersion() + " after it was swapped in");
    }
    Grid after = generate(job.getSpec().getModel());
    if (!after.version().equals(job.getNewVersion())) {
      wrong.add("version " + after.version() + " serves, not " + job.getNewVersion());
    }
    write("after.png", Pictures.png(after.picture()));
    Map<String, byte[]> pictures = new LinkedHashMap<>();
    pictures.put("Unlearned images, a column each: the image; what version " + before.version() + " drew of it, at a "
        + "latent that the audit found; what version " + after.version() + " draws there; the nearest that an attack "
        + "finds in version " + after.version() + "; the substitute", unlearned);
    pictures.put("Before, version " + before.version() + ": a class a column, a seed a row",
        Pictures.png(before.picture()));
    pictures.put("After, version " + after.version() + ": the same classes and seeds", Pictures.png(after.picture()));
    write("index.html", DemoPage.html(verdict, table, pictures).getBytes(StandardCharsets.UTF_8));
    return wrong;
  }

  private static String answers(BackgroundClient load) {
    return "must all be answered; were: " + load.answersByVersion().entrySet().stream()
        .map(answers -> answers.getValue() + " by version " + answers.getKey())
        .collect(Collectors.joining(", "));
  }

  private Grid generate(String model) throws IOException {
    List<List<BufferedImage>> columns = new ArrayList<>();
    String version = "";
    for (int label = 0; label < CLASSES; label++) {
      // The version of the first answer for all others, so that no grid mixes two.
      GenerateResponse answer = lethe.generate(GenerateRequest.newBuilder()
          .setModel(model)
          .setVersion(version)
          .setLabel(Integer.toString(label))
          .setSeeds(Seeds.newBuilder().addAllValues(IntStream.range(0, SEEDS).boxed().toList()))
          .build());
      version = answer.getVersion();
      List<BufferedImage> column = new ArrayList<>();
      for (GeneratedImage image : answer.getImagesList()) {
        column.add(Pictures.decode(image.getImage()));
      }
      if (column.size() != SEEDS) {
        throw new IOException(column.size() + " images came for " + SEEDS + " seeds");
      }
      columns.add(column);
    }
    List<BufferedImage> rows = new ArrayList<>();
    for (int seed = 0; seed < SEEDS; seed++) {
      for (List<BufferedImage> column : columns) {
        rows.add(column.get(seed));
      }
    }
    return new Grid(version, rows);
  }

  private void write(String name, byte[] bytes) throws IOException {
    Files.write(out.resolve(name), bytes);
  }

  private void say(String line) {
    console.out().println(line);
  }
}
