package dev.lethe.trainer.cli;

import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.Compute;
import dev.lethe.models.runtime.Machine;
import dev.lethe.models.stylegan2.StyleGan2Bundle;
import dev.lethe.models.stylegan2.StyleGan2Config;
import dev.lethe.models.stylegan2.Weights;
import dev.lethe.trainer.adversarial.AdversarialOptions;
import dev.lethe.trainer.adversarial.AdversarialTrainer;
import dev.lethe.trainer.adversarial.RunRecord;
import dev.lethe.trainer.adversarial.SampleGrid;
import dev.lethe.trainer.console.BundleNames;
import dev.lethe.trainer.console.OutPath;
import dev.lethe.trainer.data.Canaries;
import dev.lethe.trainer.data.Datasets;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.data.Split;
import dev.lethe.trainer.device.DeviceOption;
import dev.lethe.trainer.features.FeatureExtractor;
import dev.lethe.trainer.metrics.ModelQuality;
import dev.lethe.trainer.sampling.LatentStatistics;
import dev.lethe.trainer.sampling.Sampler;
import dev.lethe.trainer.session.LearnerKind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Trains a generator and its discriminator from scratch, or goes on with a run, and writes a bundle at the end. */
@Command(name = "gan", mixinStandardHelpOptions = true, sortOptions = false, showDefaultValues = true,
    description = "Trains a StyleGAN2 generator on images and writes it as a bundle. A run that was stopped goes on "
        + "where its last checkpoint was, with the same command.")
final class GanCommand implements Callable<Integer> {

  private static final double PROGRESS_SECONDS = 5;

  @Option(names = "--data", required = true, paramLabel = "PATH",
      description = "Training images: a folder with IDX files (MNIST) or CIFAR-10 binary files, or a folder or zip of "
          + "PNG or JPEG images, with a folder per class.")
  private Path data;

  @Option(names = "--out", required = true, paramLabel = "DIR", description = "Where the bundle goes.")
  private Path out;

  @Option(names = "--run", required = true, paramLabel = "DIR",
      description = "Where checkpoints and sample grids go, and where a stopped run goes on.")
  private Path run;

  @Option(names = "--features", paramLabel = "FILE",
      description = "features.onnx for the bundle ('lethe train features' makes one); quality is measured with it "
          + "when the data has a test split.")
  private Path features;

  @Option(names = "--name", defaultValue = "model", description = "Name of the model.")
  private String name;

  @Option(names = "--version-name", defaultValue = "v1", description = "Name of the version.")
  private String version;

  @Option(names = "--kimg", defaultValue = "1000", description = "Thousands of real images to train on, in all.")
  private double kimg;

  @Option(names = "--batch", defaultValue = "64", description = "Images a step, a multiple of 4.")
  private int batch;

  @Option(names = "--learning-rate", defaultValue = "0.002", description = "Adam's learning rate.")
  private double learningRate;

  @Option(names = "--decay-kimg", defaultValue = "0",
      description = "Let the learning rate fall to 0 over the last so many thousand images.")
  private double decayKimg;

  @Option(names = "--gamma", defaultValue = "0.1", description = "Weight of the R1 regularization.")
  private double gamma;

  @Option(names = "--mismatch", defaultValue = "0",
      description = "Conditional models: weight of the discriminator's loss on real images with wrong labels. Helps "
          + "where images come out as another class than they should.")
  private double mismatch;

  @Option(names = "--ema-kimg", defaultValue = "20",
      description = "Half-life of the moving average of the generator, in thousands of images.")
  private double emaKimg;

  @Option(names = "--mixing", defaultValue = "0", description = "Probability of style mixing, 0 to 1.")
  private double mixing;

  @Option(names = "--seed", defaultValue = "0", description = "Seed of every random draw.")
  private long seed;

  @Option(names = "--skip", defaultValue = "0", description = "Leave out the first so many images.")
  private int skip;

  @Option(names = "--images", defaultValue = "0", description = "Use so many images only; 0 for all.")
  private int images;

  @Option(names = "--without", paramLabel = "CLASS", split = ",",
      description = "Leave out the images of these classes; the model keeps their labels.")
  private List<String> without = List.of();

  @Option(names = "--canaries", defaultValue = "0",
      description = "Train on so many images of the test split besides, often enough to be memorised: the positive "
          + "control of membership attacks.")
  private int canaries;

  @Option(names = "--canary-repeats", defaultValue = "312", description = "How often an epoch shows each canary.")
  private int canaryRepeats;

  @Option(names = "--from", paramLabel = "DIR",
      description = "Bundle whose weights the run starts from; its sizes take the place of those given.")
  private Path from;

  @Option(names = "--unconditional", description = "Ignore the classes of the data.")
  private boolean unconditional;

  @Option(names = "--z-dim", defaultValue = "64", description = "Size of z.")
  private int zDim;

  @Option(names = "--w-dim", defaultValue = "64", description = "Size of w.")
  private int wDim;

  @Option(names = "--mapping-layers", defaultValue = "2", description = "Layers of the mapping network.")
  private int mappingLayers;

  @Option(names = "--channel-base", defaultValue = "1024",
      description = "Feature maps at resolution r: min(channel base / r, channel max).")
  private int channelBase;

  @Option(names = "--channel-max", defaultValue = "64", description = "Most feature maps.")
  private int channelMax;

  @Option(names = "--snapshot-kimg", defaultValue = "20",
      description = "A checkpoint and a sample grid each so many thousand images.")
  private double snapshotKimg;

  @Option(names = "--minutes", defaultValue = "0",
      description = "Stop after so many minutes, with a checkpoint; 0 for no limit.")
  private double minutes;

  @Mixin
  private DeviceOption device;

  @Option(names = "--threads", defaultValue = "0", description = "Threads; 0 for one on each core.")
  private int threads;

  @Option(names = "--learner", defaultValue = "ort", paramLabel = "KIND",
      description =
          "What trains: ort, ONNX Runtime's training session, or session, an ordinary session with Adam in its "
          + "graph, which needs no library that is built with training. They give the same, and a run may go on "
          + "with the "
          + "other.")
  private LearnerKind learner;

  @Spec
  private CommandSpec spec;

  /** Makes what may turn out to be impossible with the options given. */
  private interface Making<T> {
    T make() throws IOException;
  }

  @Override
  public Integer call() throws IOException {
    require(snapshotKimg > 0, "--snapshot-kimg", snapshotKimg, "above 0");
    require(minutes >= 0, "--minutes", minutes, "0 or above");
    OutPath.requireFolder(spec, "--out", out);
    BundleNames.require(spec, name, version);
    // Looked at before training, not only when all is done.
    require(!Bundle.isBundle(out), "--out", out, "a new directory; this one holds a bundle, and bundles do not change");
    Compute on = device.compute(threads);
    ImageDataset all = Datasets.open(data, Split.TRAIN);
    ImageDataset training = withCanaries(part(all));
    List<String> labels = unconditional ? List.of() : training.labels();
    Optional<Bundle> start = from == null ? Optional.empty() : Optional.of(Bundle.open(from));
    if (start.isPresent() && !start.get().card().has(Bundle.DISCRIMINATOR)) {
      throw new ParameterException(spec.commandLine(), from + " has no " + Bundle.DISCRIMINATOR
          + ", without which a generator cannot be trained");
    }
    StyleGan2Config config = accepted(() -> start.map(bundle -> StyleGan2Config.of(bundle.card()))
        .orElseGet(() -> new StyleGan2Config(training.resolution(), training.channels(), labels.size(), zDim, wDim,
            mappingLayers, channelBase, channelMax)));
    require(config.classes() == labels.size(), "--from", from, "a bundle of " + labels.size()
        + " classes, as the data; "
        + "this one has " + config.classes());
    AdversarialOptions options = accepted(() -> new AdversarialOptions(batch, kimg, learningRate, decayKimg, gamma, 16,
        mismatch, emaKimg, mixing, seed));
    System.out.printf("%d images of %d classes, %dx%dx%d; %d steps of %d images%n", training.size(), labels.size(),
        config.channels(), config.resolution(), config.resolution(), options.steps(), batch);
    Map<String, Tensor> initial =
        start.isPresent() ? StyleGan2Bundle.weights(start.get()) : Weights.initialize(config, seed);
    // What quality is measured with is made ready first: a mistake in it must not show after hours of training.
    try (FeatureExtractor extractor =
            features == null ? null : accepted(() -> FeatureExtractor.open(features, on));
        AdversarialTrainer trainer =
            accepted(() -> AdversarialTrainer.open(config, options, training, initial, run, learner, on))) {
      Optional<ModelQuality> quality =
          extractor == null ? Optional.empty() : accepted(() -> quality(extractor, all));
      if (!train(trainer, options, config, on)) {
        System.out.println("stopped after " + minutes + " minutes; the same command goes on");
        return 0;
      }
      export(trainer, config, labels, training.size(), quality, on);
    }
    return 0;
  }

  private ImageDataset part(ImageDataset all) {
    require(skip >= 0 && skip < all.size(), "--skip", skip, "from 0 to " + (all.size() - 1) + " with the "
        + all.size() + " images of " + data);
    require(images >= 0, "--images", images, "0 or above");
    int end = images > 0 ? (int) Math.min((long) skip + images, all.size()) : all.size();
    Set<Integer> left = new HashSet<>();
    for (String label : without) {
      require(all.labels().contains(label), "--without", label, "a class of the data: " + all.labels());
      left.add(all.labels().indexOf(label));
    }
    require(left.size() < Math.max(1, all.classes()), "--without", without, "not all classes");
    return all.subset(IntStream.range(skip, end).filter(i -> !left.contains(all.label(i))).toArray());
  }

  private ImageDataset withCanaries(ImageDataset part) throws IOException {
    require(canaries >= 0, "--canaries", canaries, "0 or above");
    require(canaryRepeats >= 1, "--canary-repeats", canaryRepeats, "1 or above");
    if (canaries == 0) {
      return part;
    }
    ImageDataset test = Datasets.open(data, Split.TEST);
    return accepted(() -> Canaries.among(part, test, canaries, canaryRepeats));
  }

  private void require(boolean holds, String option, Object value, String allowed) {
    if (!holds) {
      throw new ParameterException(spec.commandLine(), option + " is " + value + "; it must be " + allowed);
    }
  }

  /** Told as a mistake in the options if it is impossible. */
  private <T> T accepted(Making<T> making) throws IOException {
    try {
      return making.make();
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
  }

  /** Compares with the whole train split, so that the figures of a part are those that 'lethe train quality' gives. */
  private Optional<ModelQuality> quality(FeatureExtractor extractor, ImageDataset all) throws IOException {
    Optional<ImageDataset> test = Datasets.find(data, Split.TEST);
    if (test.isEmpty()) {
      System.out.println("quality will not be measured: " + data + " has no test split");
    }
    return test.map(images -> new ModelQuality(extractor, all, images, Math.min(ModelQuality.SAMPLES, all.size()),
        ModelQuality.SEED));
  }

  /** False when the time was up first. */
  private boolean train(AdversarialTrainer trainer, AdversarialOptions options, StyleGan2Config config,
      Compute on) throws IOException {
    if (trainer.steps() > 0) {
      System.out.printf(Locale.ROOT, "going on at %.1f kimg%n", trainer.kimg());
    }
    long started = System.nanoTime();
    long printed = started;
    long printedStep = trainer.steps();
    long snapshotSteps = Math.max(1, Math.round(snapshotKimg * 1000 / batch));
    while (trainer.steps() < options.steps()) {
      AdversarialTrainer.Losses losses = trainer.step();
      long now = System.nanoTime();
      if ((now - printed) / 1e9 >= PROGRESS_SECONDS) {
        double rate = (losses.step() - printedStep) * batch / ((now - printed) / 1e9);
        System.out.printf(Locale.ROOT, "%8.1f of %.0f kimg | %6.0f images/s | G %.3f D %.3f real %+.2f | %s left%n",
            trainer.kimg(), kimg, rate, losses.generator(), losses.discriminator(), losses.realLogit(),
            duration((options.steps() - losses.step()) * batch / rate));
        printed = now;
        printedStep = losses.step();
      }
      boolean timeIsUp = minutes > 0 && (now - started) / 6e10 >= minutes;
      if (losses.step() % snapshotSteps == 0 || losses.step() == options.steps() || timeIsUp) {
        snapshot(trainer, config, on);
      }
      if (timeIsUp) {
        return losses.step() == options.steps();
      }
    }
    return true;
  }

  private void snapshot(AdversarialTrainer trainer, StyleGan2Config config, Compute on) throws IOException {
    trainer.save();
    RunRecord.read(run).with(Machine.describe(on.device()), LocalDate.now().toString()).write(run);
    try (Sampler sampler = Sampler.open(config, trainer.weights(), on)) {
      Files.write(run.resolve(String.format(Locale.ROOT, "samples-%06.0f.png", trainer.kimg())),
          SampleGrid.png(config, sampler));
    }
  }

  private void export(AdversarialTrainer trainer, StyleGan2Config config, List<String> labels, int trainingImages,
      Optional<ModelQuality> quality, Compute on) throws IOException {
    Map<String, Tensor> weights = trainer.weights();
    RunRecord record = RunRecord.read(run);
    ModelCard.Training training = new ModelCard.Training(data.getFileName().toString(), trainingImages, seed, batch,
        trainer.kimg(), trainer.seconds(), trainer.kimg() * 1000 / trainer.seconds(),
        String.join("; ", record.machines()), record.date());
    try (Sampler sampler = Sampler.open(config, weights, on)) {
      ModelCard.WStatistics w = LatentStatistics.measure(config, sampler);
      weights.put("G.mapping.w_avg", Tensor.of(w.avg(), config.wDim()));
      ModelCard card = new ModelCard(ModelCard.FORMAT_VERSION, name, version, null, ModelCard.STYLEGAN2,
          config.network(), labels, Map.of(), w, training,
          quality.map(measure -> measure.measure(config, sampler)).orElse(null), Map.of());
      Bundle bundle = features == null
          ? StyleGan2Bundle.write(out, card, weights)
          : StyleGan2Bundle.write(out, card, weights, features);
      if (card.quality() != null) {
        System.out.print(QualityTable.of(card.quality()));
      }
      System.out.println("wrote " + bundle.directory());
    }
  }

  private static String duration(double seconds) {
    long s = Math.round(seconds);
    return s >= 3600
        ? String.format(Locale.ROOT, "%d h %02d min", s / 3600, s / 60 % 60)
        : String.format(Locale.ROOT, "%d min %02d s", s / 60, s % 60);
  }
}
