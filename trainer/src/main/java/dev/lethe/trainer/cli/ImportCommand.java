package dev.lethe.trainer.cli;

import ai.onnx.proto.OnnxMl.ModelProto;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.bundle.ModelCard.WStatistics;
import dev.lethe.models.features.ForeignFeatures;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.Compute;
import dev.lethe.models.runtime.InferenceSession.InferenceException;
import dev.lethe.models.stylegan2.StyleGan2Bundle;
import dev.lethe.models.stylegan2.StyleGan2Config;
import dev.lethe.models.stylegan2.imports.ImportedModel;
import dev.lethe.models.stylegan2.imports.ModelImport;
import dev.lethe.trainer.console.BundleNames;
import dev.lethe.trainer.console.CommandErrors;
import dev.lethe.trainer.console.OutPath;
import dev.lethe.trainer.device.DeviceOption;
import dev.lethe.trainer.features.FeatureExtractor;
import dev.lethe.trainer.sampling.LatentStatistics;
import dev.lethe.trainer.sampling.Sampler;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Visibility;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lethe import}. */
@Command(name = "lethe import", mixinStandardHelpOptions = true, sortOptions = false, showDefaultValues = true,
    description =
        "Makes a bundle of a StyleGAN2 model that was trained elsewhere: a pickle of StyleGAN2-ADA-PyTorch or "
        + "TensorFlow's StyleGAN2, a checkpoint of rosinality/stylegan2-pytorch, or what 'lethe export' wrote. "
        + "Nothing in "
        + "the file is executed.")
public final class ImportCommand implements Callable<Integer> {

  private static final double PROGRESS_SECONDS = 2;
  private static final String AVERAGE = "G.mapping.w_avg";
  private static final String NO_FEATURES = "none";
  /** System property with the file of the shipped feature network. */
  private static final String SHIPPED_FEATURES = "lethe.default.features";

  @Spec
  private CommandSpec spec;

  @Parameters(paramLabel = "FILE", description = "The file with the model.")
  private Path file;

  @Option(names = "--name", required = true, description = "Name of the model.")
  private String name;

  @Option(names = "--out", required = true, paramLabel = "DIR",
      description = "Where the bundle goes; a server looks for it in NAME/VERSION of its --models.")
  private Path out;

  @Option(names = "--version-name", defaultValue = "v1", description = "Name of the version.")
  private String version;

  @Option(names = "--labels", split = ",", paramLabel = "LABEL",
      description =
          "Names of the classes, in their order; those in the file or, without such, their numbers if left out.")
  private List<String> labels;

  @Option(names = "--features", paramLabel = "FILE",
      description = "What images are measured by (Fréchet distances; classes): the features.onnx that 'lethe train "
          + "features' made, or any classifier or embedder of images in ONNX, such as Inception-v3. Left out: the "
          + "activations of the model's discriminator; of RGB models that have none the shipped network of natural "
          + "images; else, or with '" + NO_FEATURES + "', a network of random weights. Without a file of one's own, "
          + "classes cannot be unlearned.")
  private Path features;

  @Option(names = "--features-size", paramLabel = "PIXELS", defaultValue = "0", showDefaultValue = Visibility.NEVER,
      description = "Height and width of the images that another's feature network takes, if its file does not say.")
  private int featuresSize;

  @Option(names = "--features-mean", split = ",", paramLabel = "MEAN", defaultValue = "0.5",
      description = "Mean of each channel that it was trained with, of pixels from 0 to 1; ImageNet's are "
          + "0.485,0.456,0.406.")
  private List<Double> featuresMean;

  @Option(names = "--features-std", split = ",", paramLabel = "STD", defaultValue = "0.5",
      description = "Standard deviation of each channel; ImageNet's are 0.229,0.224,0.225.")
  private List<Double> featuresStd;

  @Option(names = "--features-output", paramLabel = "NAME", description = "Which of its outputs are the features; its "
      + "first if left out.")
  private String featuresOutput;

  @Option(names = "--features-logits", paramLabel = "NAME", description = "Which of its outputs tells classes; none if "
      + "left out.")
  private String featuresLogits;

  @Option(names = "--samples", paramLabel = "FILE",
      description = "Where a picture of images that the model draws goes; beside the bundle, with .png, if left out.")
  private Path samples;

  @Mixin
  private DeviceOption device;

  @Option(names = "--threads", defaultValue = "0", description = "Threads; 0 for one on each core.")
  private int threads;

  private long printed = System.nanoTime();

  public static void main(String[] arguments) {
    System.exit(commandLine().execute(arguments));
  }

  /** With its options, and how it reports errors. */
  public static CommandLine commandLine() {
    return CommandErrors.report(new CommandLine(new ImportCommand()));
  }

  @Override
  public Integer call() throws IOException {
    OutPath.requireFolder(spec, "--out", out);
    BundleNames.require(spec, name, version);
    if (samples != null) {
      OutPath.requireFile(spec, "--samples", samples, List.of(".png"));
    }
    if (Bundle.isBundle(out)) {
      throw refused(out + " holds a bundle, and bundles do not change; name another directory");
    }
    if (Files.exists(file) && !Files.isRegularFile(file)) {
      throw refused(file + " is no file");
    }
    boolean chosen = features != null && !features.equals(Path.of(NO_FEATURES));
    if (chosen && !Files.isRegularFile(features)) {
      throw refused(features + " is no file");
    }
    Compute on = device.compute(threads);
    PrintWriter print = spec.commandLine().getOut();
    ImportedModel model = ModelImport.read(file, this::progress);
    print.print(ImportSummary.of(model));
    print.flush();
    StyleGan2Config config = model.config();
    List<String> classes = classes(model);
    ModelProto measuring = chosen ? features(config, on) : features == null ? shipped(config, print) : null;
    Map<String, Tensor> weights = new HashMap<>(model.weights());
    byte[] picture;
    WStatistics w;
    try (Sampler sampler = Sampler.open(config, weights, on)) {
      w = statistics(model, sampler, print);
      picture = ImportSamples.png(config, sampler);
    } catch (IOException e) {
      throw new IOException(file + ": " + e.getMessage(), e);
    }
    weights.put(AVERAGE, Tensor.of(w.avg(), config.wDim()));
    ModelCard carried = model.card();
    ModelCard card = new ModelCard(ModelCard.FORMAT_VERSION, name, version, null, ModelCard.STYLEGAN2, config.network(),
        classes, carried == null || carried.unlearnedLabels() == null ? Map.of() : carried.unlearnedLabels(), w,
        carried == null ? null : carried.training(), carried == null ? null : carried.quality(), Map.of());
    Bundle bundle = measuring == null ? StyleGan2Bundle.write(out, card, weights)
        : StyleGan2Bundle.write(out, card, weights, measuring);
    Path absolute = out.toAbsolutePath();
    Path beside = samples != null ? samples : absolute.resolveSibling(absolute.getFileName() + ".png");
    Files.write(beside, picture);
    print.println("wrote " + bundle.directory() + " and " + beside);
    print.flush();
    return 0;
  }

  /** A feature network that does not take this model's images would be found out when images are to be taken out. */
  private ModelProto features(StyleGan2Config config, Compute on) throws IOException {
    ModelProto network;
    try {
      network = ModelProto.parseFrom(Files.readAllBytes(features));
      if (!ForeignFeatures.isOwn(network, config.resolution(), config.channels())) {
        network = new ForeignFeatures(featuresSize, featuresMean, featuresStd, featuresOutput, featuresLogits)
            .of(network, config.resolution(), config.channels());
      }
    } catch (InvalidProtocolBufferException e) {
      throw new IOException(features + " is no ONNX model: " + e.getMessage(), e);
    } catch (IllegalArgumentException e) {
      throw new IOException(features + ": " + e.getMessage(), e);
    }
    try (FeatureExtractor extractor = FeatureExtractor.open(network, on)) {
      extractor.run(Tensor.zeros(2, config.channels(), config.resolution(), config.resolution()));
      return network;
    } catch (InferenceException e) {
      throw new IOException(features + " is no feature network for images of " + config.channels() + " x "
          + config.resolution() + " x " + config.resolution() + ": " + e.getMessage(), e);
    }
  }

  /**
   * What RGB models without a discriminator are measured by where nobody chose: the shipped network's features and not
   * its classes, which are others than the model's. It sees more than random weights do, and no more than a model's own
   * discriminator (onnx-models/evaluation/README.md). Null where there is none.
   */
  private @Nullable ModelProto shipped(StyleGan2Config config, PrintWriter print) throws IOException {
    String file = System.getProperty(SHIPPED_FEATURES);
    if (file == null || config.channels() == 1 || config.hasDiscriminator() || !Files.isRegularFile(Path.of(file))) {
      return null;
    }
    ModelProto network = new ForeignFeatures(0, List.of(0.5), List.of(0.5), "features", null)
        .of(ModelProto.parseFrom(Files.readAllBytes(Path.of(file))), config.resolution(), config.channels());
    ImportSummary.row(print, "features", "the shipped network of natural images: Fréchet distances are by it, and "
        + "compare "
        + "with nothing that was measured by others (--features takes another)");
    return network;
  }

  private void progress(long values, long all) {
    long now = System.nanoTime();
    // A small model is read before anyone wonders.
    if (all >= 1_000_000 && (now - printed) / 1e9 >= PROGRESS_SECONDS) {
      printed = now;
      spec.commandLine().getOut().printf("read %d of %d million parameters%n", values / 1_000_000, all / 1_000_000);
      spec.commandLine().getOut().flush();
    }
  }

  private List<String> classes(ImportedModel model) {
    int count = model.config().classes();
    List<String> carried = model.card() == null ? null : model.card().labels();
    if (labels == null) {
      return carried != null ? carried : IntStream.range(0, count).mapToObj(Integer::toString).toList();
    }
    for (int i = 0; i < labels.size(); i++) {
      if (labels.get(i).isBlank()) {
        throw refused("--labels: name " + (i + 1) + " of " + labels.size() + " is empty");
      }
      if (labels.indexOf(labels.get(i)) < i) {
        throw refused("--labels names \"" + labels.get(i) + "\" twice, as class " + labels.indexOf(labels.get(i))
            + " and as class " + i + "; each class has a name of its own");
      }
    }
    if (labels.size() != count) {
      throw refused("--labels names " + labels.size() + " classes; the model has "
          + (count == 0 ? "none: leave --labels out" : Integer.toString(count)));
    }
    if (carried != null && !model.card().unlearnedLabels().isEmpty() && !carried.equals(labels)) {
      throw refused("--labels: classes of this model were unlearned under the names in the file, "
          + model.card().unlearnedLabels().keySet() + "; they keep their names");
    }
    return labels;
  }

  /** The file's average w, or else an estimate; means of classes are always measured, unless the file has them. */
  private WStatistics statistics(ImportedModel model, Sampler sampler, PrintWriter print) {
    StyleGan2Config config = model.config();
    float[] average = model.weights().get(AVERAGE).data();
    if (!model.averageMissing() && model.card() != null && model.card().w() != null) {
      return model.card().w();
    }
    if (!model.averageMissing() && !config.conditional()) {
      return new WStatistics(average, new float[0][]);
    }
    print.println(model.averageMissing() ? "there is no average w in the file; estimating it from 10,000 z"
        + (config.conditional() ? " of each class" : "") : "measuring the mean w of each class");
    print.flush();
    WStatistics measured = LatentStatistics.measure(config, sampler);
    return model.averageMissing() ? measured : new WStatistics(average, measured.classAvg());
  }

  private ParameterException refused(String why) {
    return new ParameterException(spec.commandLine(), why);
  }
}
