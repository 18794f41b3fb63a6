package dev.lethe.trainer.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.bundle.ModelCard.Quality;
import dev.lethe.models.runtime.Compute;
import dev.lethe.models.stylegan2.StyleGan2Bundle;
import dev.lethe.models.stylegan2.StyleGan2Config;
import dev.lethe.trainer.data.Datasets;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.data.Split;
import dev.lethe.trainer.device.DeviceOption;
import dev.lethe.trainer.features.FeatureExtractor;
import dev.lethe.trainer.metrics.ModelQuality;
import dev.lethe.trainer.sampling.Sampler;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Measures a bundle on disk as {@link GanCommand} did before it wrote the card; the bundle stays as it is. */
@Command(name = "quality", mixinStandardHelpOptions = true, sortOptions = false, showDefaultValues = true,
    description = "Measures a bundle: the share of its samples that the classifier in its features.onnx recognises as "
        + "their label, and their Fréchet distance to the test images beside that of real training images. Prints a "
        + "table, then the same as JSON, as in model.json.")
final class QualityCommand implements Callable<Integer> {

  private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  @Spec
  private CommandSpec spec;

  @Option(names = "--bundle", required = true, paramLabel = "DIR", description = "The bundle, with features.onnx.")
  private Path directory;

  @Option(names = "--data", required = true, paramLabel = "PATH",
      description = "The images that it was trained on, as for 'lethe train gan', with a test split.")
  private Path data;

  @Option(names = "--samples", defaultValue = "" + ModelQuality.SAMPLES,
      description = "Images to generate; at most as many as there are training images.")
  private int samples;

  @Option(names = "--seed", defaultValue = "" + ModelQuality.SEED,
      description = "Seed of every random draw; model cards are made with the default.")
  private long seed;

  @Mixin
  private DeviceOption device;

  @Option(names = "--threads", defaultValue = "0", description = "Threads; 0 for one on each core.")
  private int threads;

  @Override
  public Integer call() throws IOException {
    Compute on = device.compute(threads);
    Bundle bundle = Bundle.open(directory);
    bundle.verify();
    if (!Files.isRegularFile(bundle.features())) {
      throw refused(directory + " has no " + Bundle.FEATURES + ", which quality is measured with");
    }
    ImageDataset training = Datasets.open(data, Split.TRAIN);
    ImageDataset test = Datasets.open(data, Split.TEST);
    if (bundle.card().conditional() && !bundle.card().labels().equals(training.labels())) {
      throw refused("the model's classes are " + bundle.card().labels() + "; those of " + data + " are "
          + training.labels());
    }
    StyleGan2Config config = StyleGan2Config.of(bundle.card());
    try (FeatureExtractor extractor = FeatureExtractor.open(bundle.features(), on);
        Sampler sampler = Sampler.open(config, StyleGan2Bundle.weights(bundle), on)) {
      print(new ModelQuality(extractor, training, test, Math.min(samples, training.size()), seed)
          .measure(config, sampler));
    } catch (IllegalArgumentException e) {
      throw refused(e.getMessage());
    }
    return 0;
  }

  private void print(Quality quality) throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    out.print(QualityTable.of(quality));
    out.println(JSON.writeValueAsString(quality));
    out.flush();
  }

  private ParameterException refused(String why) {
    return new ParameterException(spec.commandLine(), why);
  }
}
