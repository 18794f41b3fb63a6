import ai.onnx.proto.OnnxMl.ModelProto;
import dev.lethe.models.architecture.DiscriminatorFeatures;
import dev.lethe.models.architecture.GanArchitecture;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.features.FeatureNetwork;
import dev.lethe.models.features.ForeignFeatures;
import dev.lethe.models.graph.OnnxWriter;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.Compute;
import dev.lethe.trainer.data.Datasets;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.data.Split;
import dev.lethe.trainer.features.FeatureExtractor;
import dev.lethe.trainer.metrics.FrechetDistance;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * What feature networks see: Fréchet distances from training images of a data set to test images that are spoiled more
 * and more. Arguments: data set, number of images, features.onnx of natural images, and a bundle for its
 * discriminator's activations (left out: none). Features of random weights are measured beside them. Prints, for each
 * network, the distance to unspoiled images and the multiples of it.
 */
public final class FeatureSight {

  private static final double[] STRENGTHS = {0.1, 0.2, 0.4, 0.8};
  private static final long RANDOM_FEATURES = 2020;
  private static final int BATCH = 100;

  /** Ways to spoil images. */
  private enum Fault {
    /** Of a standard deviation of a quarter of the strength. */
    NOISE,
    /** Gaussian, of so many 1/16 of the image's height. */
    BLUR,
    /** Parts of a sixteenth of the image change places, so large a share of them. */
    SWAPS,
    /** So large a share of the images gives way to copies of the first fiftieth. */
    COPIES
  }

  private FeatureSight() {}

  public static void main(String[] arguments) throws IOException {
    Path data = Path.of(arguments[0]);
    int count = Integer.parseInt(arguments[1]);
    SplittableRandom random = new SplittableRandom(1);
    Tensor real = draw(Datasets.open(data, Split.TRAIN), count, random);
    Tensor others = draw(Datasets.open(data, Split.TEST), count, random);
    for (Map.Entry<String, ModelProto> network : networks(arguments, real).entrySet()) {
      try (FeatureExtractor extractor = FeatureExtractor.open(network.getValue(), Compute.cpu(1))) {
        float[] of = features(extractor, real);
        int width = of.length / count;
        double unspoiled = FrechetDistance.between(of, features(extractor, others), width);
        System.out.printf("%s, %d features: %.4g unspoiled%n", network.getKey(), width, unspoiled);
        for (Fault fault : Fault.values()) {
          System.out.printf("  %-8s", fault.name().toLowerCase());
          for (double strength : STRENGTHS) {
            Tensor spoiled = spoiled(others, fault, strength);
            System.out.printf(" %6.2f", FrechetDistance.between(of, features(extractor, spoiled), width) / unspoiled);
          }
          System.out.println();
        }
      }
    }
  }

  private static Map<String, ModelProto> networks(String[] arguments, Tensor images) throws IOException {
    int channels = (int) images.shape()[1];
    int resolution = (int) images.shape()[2];
    Map<String, ModelProto> networks = new LinkedHashMap<>();
    networks.put("natural images", new ForeignFeatures(0, List.of(0.5), List.of(0.5), "features", null)
        .of(ModelProto.parseFrom(Files.readAllBytes(Path.of(arguments[2]))), resolution, channels));
    if (arguments.length > 3) {
      Bundle bundle = Bundle.open(Path.of(arguments[3]));
      GanArchitecture architecture = GanArchitecture.of(bundle.card());
      DiscriminatorFeatures features = architecture.networks(bundle.card()).discriminatorFeatures();
      networks.put("discriminator", OnnxWriter.inference(features.graph(),
          features.weights(architecture.weights(bundle))));
    }
    FeatureNetwork random = new FeatureNetwork(resolution, channels, 0);
    networks.put("random weights", OnnxWriter.inference(random.graph(), random.initialize(RANDOM_FEATURES)));
    return networks;
  }

  private static Tensor draw(ImageDataset data, int count, SplittableRandom random) {
    return data.subset(random.ints(0, data.size()).distinct().limit(count).toArray()).images();
  }

  private static float[] features(FeatureExtractor extractor, Tensor images) {
    float[] all = {};
    int count = (int) images.shape()[0];
    for (int i = 0; i < count; i += BATCH) {
      int from = i;
      int[] rows = java.util.stream.IntStream.range(from, Math.min(count, from + BATCH)).toArray();
      float[] part = extractor.run(images.rows(rows)).features().data();
      int had = all.length;
      all = Arrays.copyOf(all, had + part.length);
      System.arraycopy(part, 0, all, had, part.length);
    }
    return all;
  }

  private static Tensor spoiled(Tensor images, Fault fault, double strength) {
    SplittableRandom random = new SplittableRandom(7);
    int count = (int) images.shape()[0];
    int channels = (int) images.shape()[1];
    int side = (int) images.shape()[2];
    int size = images.data().length / count;
    float[] all = new float[images.data().length];
    for (int i = 0; i < count; i++) {
      float[] image = Arrays.copyOfRange(images.data(), i * size, (i + 1) * size);
      switch (fault) {
        case NOISE -> {
          for (int p = 0; p < size; p++) {
            image[p] = (float) Math.max(-1, Math.min(1, image[p] + strength / 4 * random.nextGaussian()));
          }
        }
        case BLUR -> image = blurred(blurred(image, strength * side / 16, side, 1), strength * side / 16, side, side);
        case SWAPS -> {
          for (int part = 0; part < 16; part++) {
            if (random.nextDouble() < strength) {
              swap(image, channels, side, part, random.nextInt(16));
            }
          }
        }
        case COPIES -> {
          if (random.nextDouble() < strength) {
            int of = random.nextInt(Math.max(1, count / 50));
            image = Arrays.copyOfRange(images.data(), of * size, (of + 1) * size);
          }
        }
      }
      System.arraycopy(image, 0, all, i * size, size);
    }
    return new Tensor(images.shape(), all);
  }

  private static void swap(float[] image, int channels, int side, int one, int other) {
    int part = side / 4;
    for (int c = 0; c < channels; c++) {
      for (int y = 0; y < part; y++) {
        for (int x = 0; x < part; x++) {
          int a = (c * side + one / 4 * part + y) * side + one % 4 * part + x;
          int b = (c * side + other / 4 * part + y) * side + other % 4 * part + x;
          float value = image[a];
          image[a] = image[b];
          image[b] = value;
        }
      }
    }
  }

  /** @param step between neighbours: 1 along rows, the side along columns */
  private static float[] blurred(float[] image, double sigma, int side, int step) {
    int reach = (int) Math.ceil(3 * sigma);
    float[] result = new float[image.length];
    for (int p = 0; p < image.length; p++) {
      int at = p / step % side;
      double sum = 0;
      double weights = 0;
      for (int k = -reach; k <= reach; k++) {
        int to = Math.max(0, Math.min(side - 1, at + k));
        double weight = Math.exp(-k * k / (2 * sigma * sigma));
        sum += weight * image[p + (to - at) * step];
        weights += weight;
      }
      result[p] = (float) (sum / weights);
    }
    return result;
  }
}
