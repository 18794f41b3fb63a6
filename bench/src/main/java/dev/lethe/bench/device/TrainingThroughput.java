package dev.lethe.bench.device;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.Compute;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.models.stylegan2.StyleGan2Config;
import dev.lethe.models.stylegan2.Weights;
import dev.lethe.trainer.adversarial.AdversarialOptions;
import dev.lethe.trainer.adversarial.AdversarialTrainer;
import dev.lethe.trainer.adversarial.AdversarialTrainer.Losses;
import dev.lethe.trainer.data.Datasets;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.session.LearnerKind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Images a second of adversarial training with each learner, and whether its first losses are the processor's.
 *
 * @param large at 256×256
 */
record TrainingThroughput(boolean large) implements Step.Measurement {

  /** The shipped model's sizes. */
  private static final StyleGan2Config MNIST = new StyleGan2Config(32, 1, 10, 64, 64, 2, 1024, 48);
  private static final StyleGan2Config LARGE = new StyleGan2Config(256, 3, 0, 512, 512, 8, 8192, 512);
  private static final StyleGan2Config SMALL = new StyleGan2Config(64, 3, 0, 64, 64, 2, 1024, 48);
  private static final int R1_INTERVAL = 16;
  private static final double SECONDS = 2;
  private static final long SEED = 1;

  @Override
  public void run(Setting setting) throws IOException {
    StyleGan2Config config = !large ? MNIST : setting.small() ? SMALL : LARGE;
    List<Integer> batches = setting.small() ? List.of(8) : large ? List.of(8, 16) : List.of(16, 64, 256);
    ImageDataset images = images(config, batches.get(batches.size() - 1));
    Losses expected = null;
    for (int batch : batches) {
      for (LearnerKind kind : LearnerKind.values()) {
        try {
          if (expected == null) {
            expected = firstLosses(setting, config, images, batch);
          }
          measure(setting, config, images, batch, kind, batch == batches.get(0) ? expected : null);
        } catch (RuntimeException e) {
          // The other learner, and other batches, may do better.
          e.printStackTrace();
          setting.row("learner", kind.toString(), Figures.BATCH, (long) batch, Figures.NOTE, "failed: " + e);
        }
      }
    }
  }

  /** With TF32's 10 bits losses would differ for that reason alone. */
  private Losses firstLosses(Setting setting, StyleGan2Config config, ImageDataset images, int batch)
      throws IOException {
    try (AdversarialTrainer trainer =
        open(setting, config, images, batch, LearnerKind.SESSION, ExecutionDevice.CPU)) {
      return trainer.step();
    }
  }

  private void measure(Setting setting, StyleGan2Config config, ImageDataset images, int batch, LearnerKind kind,
      Losses expected) throws IOException {
    AdversarialOptions options = options(batch);
    for (Setting.Arithmetic arithmetic : setting.floats()) {
      boolean exact = arithmetic.name().equals("fp32");
      // Without TF32 the first step alone, to be compared.
      if (exact && expected == null && setting.floats().size() > 1) {
        continue;
      }
      long before = System.nanoTime();
      try (AdversarialTrainer trainer = open(setting, config, images, batch, kind, arithmetic.device())) {
        Losses first = trainer.step();
        Figures row = Figures.of("learner", kind.toString(), Figures.BATCH, (long) batch,
            Figures.ARITHMETIC, arithmetic.name(), "first step, s", (System.nanoTime() - before) / 1e9);
        if (expected != null) {
          row = row.with("difference", difference(first, expected));
        }
        if (!exact || setting.floats().size() == 1) {
          double perStep = seconds(trainer);
          row = row.with(Figures.MILLIS, 1e3 * perStep).with(Figures.PER_SECOND, batch / perStep)
              .with(Figures.TERAFLOPS, Figures.teraflops(AdversarialTrainer.multiplyAdds(config, options) / perStep));
        }
        setting.rows().accept(row);
      }
    }
  }

  /** Seconds of a step, over whole intervals of R1, the first of which warms up. */
  private static double seconds(AdversarialTrainer trainer) {
    // The graph without R1 and that with it have been run before time is taken.
    IntStream.range(1, R1_INTERVAL).forEach(i -> trainer.step());
    double before = trainer.seconds();
    int steps = 0;
    do {
      IntStream.range(0, R1_INTERVAL).forEach(i -> trainer.step());
      steps += R1_INTERVAL;
    } while (trainer.seconds() - before < SECONDS);
    return (trainer.seconds() - before) / steps;
  }

  private static double difference(Losses found, Losses expected) {
    return Math.max(relative(found.discriminator(), expected.discriminator()),
        Math.max(relative(found.generator(), expected.generator()), relative(found.r1(), expected.r1())));
  }

  private static double relative(double found, double expected) {
    return Math.abs(found - expected) / Math.abs(expected);
  }

  private static AdversarialOptions options(int batch) {
    return new AdversarialOptions(batch, 1000, 0.002, 0, 0.1, R1_INTERVAL, 0, 20, 0, SEED);
  }

  private static AdversarialTrainer open(Setting setting, StyleGan2Config config, ImageDataset images, int batch,
      LearnerKind kind, ExecutionDevice device) throws IOException {
    Path directory = Files.createTempDirectory(setting.work(), "training-");
    return AdversarialTrainer.open(config, options(batch), images, Weights.initialize(config, SEED), directory, kind,
        new Compute(device, setting.threads()));
  }

  private static ImageDataset images(StyleGan2Config config, int count) {
    SplittableRandom random = new SplittableRandom(SEED);
    Tensor images = Tensor.zeros(count, config.channels(), config.resolution(), config.resolution());
    for (int i = 0; i < images.data().length; i++) {
      images.data()[i] = (float) random.nextDouble(-1, 1);
    }
    int classes = Math.max(1, config.classes());
    return Datasets.of(IntStream.range(0, classes).mapToObj(Integer::toString).toList(), images,
        IntStream.range(0, count).map(i -> i % classes).toArray());
  }
}
