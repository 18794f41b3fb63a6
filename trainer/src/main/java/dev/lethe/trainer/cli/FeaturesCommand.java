package dev.lethe.trainer.cli;

import ai.onnx.proto.OnnxMl.ModelProto;
import dev.lethe.models.checkpoint.Checkpoint;
import dev.lethe.models.checkpoint.CheckpointException;
import dev.lethe.models.checkpoint.Safetensors;
import dev.lethe.models.checkpoint.Tree;
import dev.lethe.models.features.FeatureNetwork;
import dev.lethe.models.graph.OnnxWriter;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.Compute;
import dev.lethe.trainer.console.OutPath;
import dev.lethe.trainer.data.Datasets;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.data.Split;
import dev.lethe.trainer.device.DeviceOption;
import dev.lethe.trainer.features.FeatureExtractor;
import dev.lethe.trainer.features.FeatureTrainer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Trains the classifier whose features measure and guide unlearning. */
@Command(name = "features", mixinStandardHelpOptions = true, sortOptions = false, showDefaultValues = true,
    description = "Trains the feature network of a bundle, a classifier, and writes it as features.onnx.")
final class FeaturesCommand implements Callable<Integer> {

  private static final double PROGRESS_SECONDS = 5;

  @Option(names = "--data", required = true, paramLabel = "PATH",
      description = "Labelled images, as for 'lethe train gan'; the test split measures accuracy.")
  private Path data;

  @Option(names = "--out", required = true, paramLabel = "FILE", description = "Where features.onnx goes.")
  private Path out;

  @Option(names = "--size", defaultValue = "small", paramLabel = "SIZE",
      description = "Width of the layers: small for digits, large for natural images. (${COMPLETION-CANDIDATES})")
  private FeatureNetwork.Size size;

  @Option(names = "--weights", paramLabel = "FILE",
      description =
          "Weights in place of training: the safetensors file that trainer/pytorch/train_features.py makes on a "
          + "GPU.")
  private Path trained;

  @Option(names = "--epochs", defaultValue = "6", description = "Passes over the images.")
  private double epochs;

  @Option(names = "--batch", defaultValue = "64", description = "Images a step.")
  private int batch;

  @Option(names = "--learning-rate", defaultValue = "0.001", description = "Adam's learning rate, to begin with.")
  private double learningRate;

  @Option(names = "--shift", defaultValue = "2", description = "Most pixels that images are moved by.")
  private int shift;

  @Option(names = "--seed", defaultValue = "0", description = "Seed of every random draw.")
  private long seed;

  @Mixin
  private DeviceOption device;

  @Option(names = "--threads", defaultValue = "0", description = "Threads; 0 for one on each core.")
  private int threads;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    OutPath.requireFile(spec, "--out", out, List.of(".onnx"));
    Compute on = device.compute(threads);
    ImageDataset training = Datasets.open(data, Split.TRAIN);
    // Read before training: a data set without a test split must not show after it.
    ImageDataset test = Datasets.open(data, Split.TEST);
    if (training.classes() < 2) {
      throw new ParameterException(spec.commandLine(), data + " holds images without classes; a classifier needs a "
          + "folder for each class, or a file of labels");
    }
    Files.createDirectories(out.toAbsolutePath().getParent());
    ModelProto model = OnnxWriter.inference(network(training).graph(), trained == null ? train(training, on)
        : given(training));
    Files.write(out, model.toByteArray());
    try (FeatureExtractor extractor = FeatureExtractor.open(model, on)) {
      System.out.printf(Locale.ROOT, "wrote %s; test accuracy %.4f%n", out, extractor.accuracy(test));
    }
    return 0;
  }

  private FeatureNetwork network(ImageDataset training) {
    return new FeatureNetwork(training.resolution(), training.channels(), training.classes(), size);
  }

  private Map<String, Tensor> given(ImageDataset training) throws IOException {
    Map<String, Tensor> weights = new HashMap<>();
    try (Checkpoint file = Checkpoint.open(trained)) {
      for (Map.Entry<String, Tree> entry : file.root().children().entrySet()) {
        if (!entry.getKey().equals(Safetensors.METADATA)) {
          weights.put(entry.getKey(), entry.getValue().tensor().read());
        }
      }
    } catch (CheckpointException e) {
      throw new IOException(trained + ": " + e.getMessage(), e);
    }
    if (!network(training).fits(weights)) {
      throw new ParameterException(spec.commandLine(), trained + " holds no weights of a " + size
          + " feature network for "
          + training.channels() + "x" + training.resolution() + "x" + training.resolution() + " images of "
          + training.classes() + " classes (see --size)");
    }
    return weights;
  }

  private Map<String, Tensor> train(ImageDataset training, Compute on) throws IOException {
    FeatureTrainer.Options options = new FeatureTrainer.Options(epochs, batch, learningRate, shift, seed);
    Path files = Files.createTempDirectory("lethe-features");
    try {
      return FeatureTrainer.train(size, training, options, files, on, progress());
    } finally {
      delete(files);
    }
  }

  private FeatureTrainer.Progress progress() {
    long started = System.nanoTime();
    long[] printed = {started};
    return (step, steps, loss) -> {
      long now = System.nanoTime();
      if ((now - printed[0]) / 1e9 >= PROGRESS_SECONDS || step == steps) {
        double rate = step / ((now - started) / 1e9);
        System.out.printf(Locale.ROOT, "step %d of %d | %.0f images/s | loss %.4f | %.0f s left%n", step, steps,
            rate * batch, loss, (steps - step) / rate);
        printed[0] = now;
      }
    };
  }

  private static void delete(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
