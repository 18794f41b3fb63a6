package dev.lethe.models.stylegan2.imports;

import dev.lethe.models.checkpoint.CheckpointException;
import dev.lethe.models.graph.Shapes;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.stylegan2.DiscriminatorConfig;
import dev.lethe.models.stylegan2.DiscriminatorConfig.Architecture;
import dev.lethe.models.stylegan2.StyleGan2Config;
import dev.lethe.models.stylegan2.Weights;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/** From parameters under our names to a model: its sizes from their shapes, then every parameter. */
final class NetworkReader {

  private static final String AVERAGE = "G.mapping.w_avg";
  private static final int MOST_NAMED = 5;
  private static final int LARGEST = 1024;
  private static final Pattern SKIP = Pattern.compile("D\\.b\\d+\\.skip\\..*");

  private final FoundNetworks found;

  NetworkReader(FoundNetworks found) {
    this.found = found;
  }

  /** The first few of many names. */
  static String some(List<String> names) {
    return String.join(", ", names.subList(0, Math.min(names.size(), MOST_NAMED)))
        + (names.size() > MOST_NAMED ? " and " + (names.size() - MOST_NAMED) + " more" : "");
  }

  /** What the networks are; every parameter is there, of the right shape. */
  StyleGan2Config config() throws CheckpointException {
    StyleGan2Config config;
    try {
      config = found.card() == null ? fromShapes() : StyleGan2Config.of(found.card());
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw new CheckpointException("its networks are not supported: " + e.getMessage(), e);
    }
    requireAll(config);
    return config;
  }

  private StyleGan2Config fromShapes() throws CheckpointException {
    int resolution = largest("G.synthesis.b");
    int layers = count("G.mapping.fc");
    if (layers == 0 || resolution < 4) {
      throw new CheckpointException("it lacks " + (layers == 0 ? "a mapping network" : "a synthesis network")
          + "; among what it has is " + some(List.copyOf(found.weights().keySet())));
    }
    List<Integer> widths = new ArrayList<>();
    for (int r = 4; r <= resolution; r *= 2) {
      widths.add(dimension("G.synthesis.b" + r + ".conv1.weight", 0, 4));
    }
    int wDim = dimension("G.mapping.fc" + (layers - 1) + ".weight", 0, 2);
    boolean labels = hasAny("G.mapping.embed.");
    int zDim = dimension("G.mapping.fc0.weight", 1, 2) - (labels ? dimension("G.mapping.embed.weight", 0, 2) : 0);
    int largest = widths.stream().max(Integer::compare).orElseThrow();
    int base = Math.multiplyExact(widths.get(widths.size() - 1), resolution);
    boolean regular = true;
    for (int i = 0; i < widths.size(); i++) {
      regular &= widths.get(i) == Math.min(base / (4 << i), largest);
    }
    return new StyleGan2Config(resolution, dimension("G.synthesis.b4.torgb.weight", 0, 4),
        labels ? dimension("G.mapping.embed.weight", 1, 2) : 0, zDim, wDim, layers, base, largest,
        regular ? null : widths, found.generatorClamp(), discriminator(widths, resolution));
  }

  private DiscriminatorConfig discriminator(List<Integer> generatorWidths, int resolution) throws CheckpointException {
    if (!hasAny("D.")) {
      return null;
    }
    List<Integer> widths = new ArrayList<>();
    widths.add(dimension("D.b4.conv.weight", 0, 4));
    int top = largest("D.b");
    for (int r = 8; r <= top; r *= 2) {
      widths.add(dimension("D.b" + r + ".conv0.weight", 0, 4));
    }
    if (top != resolution) {
      throw new CheckpointException("its discriminator takes images of " + top + "×" + top + "; its generator draws "
          + resolution + "×" + resolution);
    }
    boolean skips = found.weights().keySet().stream().anyMatch(name -> SKIP.matcher(name).matches());
    Architecture architecture = skips ? Architecture.RESNET
        : hasColoursBelow(resolution) ? Architecture.SKIP : Architecture.ORIG;
    boolean labels = hasAny("D.mapping.");
    Integer labelWidth = null;
    if (labels && dimension("D.mapping.embed.weight", 0, 2) != widths.get(0)) {
      labelWidth = dimension("D.mapping.embed.weight", 0, 2);
    } else if (!labels && hasAny("G.mapping.embed.")) {
      labelWidth = 0;
    }
    return new DiscriminatorConfig(architecture, widths.equals(generatorWidths) ? null : widths,
        found.discriminatorClamp(), found.mbstdGroup(), dimension("D.b4.conv.weight", 1, 4) - widths.get(0),
        labels ? count("D.mapping.fc") : DiscriminatorConfig.DEFAULT.labelLayers(), labelWidth);
  }

  private boolean hasAny(String prefix) {
    return found.weights().keySet().stream().anyMatch(name -> name.startsWith(prefix));
  }

  private boolean hasColoursBelow(int resolution) {
    return IntStream.of(8, 16, 32, 64, 128, 256, 512).filter(r -> r < resolution)
        .anyMatch(r -> hasAny("D.b" + r + ".fromrgb."));
  }

  /** How many layers with numbered names there are, by the last: one that is missing in between is told by name. */
  private int count(String prefix) {
    return numbers(prefix).max().orElse(-1) + 1;
  }

  /** The largest resolution of which there is anything, up to one too large; 0: none. */
  private int largest(String prefix) {
    return numbers(prefix).filter(r -> r >= 4 && r <= 2 * LARGEST && Integer.bitCount(r) == 1).max().orElse(0);
  }

  /** Numbers that follow a prefix in names, of up to four digits. */
  private IntStream numbers(String prefix) {
    Pattern numbered = Pattern.compile(Pattern.quote(prefix) + "(\\d{1,4})\\..*");
    return found.weights().keySet().stream().map(numbered::matcher).filter(Matcher::matches)
        .mapToInt(name -> Integer.parseInt(name.group(1)));
  }

  private int dimension(String name, int axis, int rank) throws CheckpointException {
    Weight weight = found.weights().get(name);
    if (weight == null) {
      throw new CheckpointException("it lacks " + found.nameInFile(name));
    }
    long[] shape = weight.shape();
    if (shape.length != rank || shape[axis] != (int) shape[axis]) {
      throw new CheckpointException(name + " has shape " + Arrays.toString(shape) + " (expected: " + rank
          + " dimensions)");
    }
    return (int) shape[axis];
  }

  private void requireAll(StyleGan2Config config) throws CheckpointException {
    Map<String, long[]> expected;
    try {
      expected = Weights.shapes(config);
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw new CheckpointException("its networks are not supported: " + e.getMessage(), e);
    }
    List<String> unknown = found.weights().keySet().stream().filter(name -> !expected.containsKey(name)).toList();
    if (!unknown.isEmpty()) {
      throw new CheckpointException("it has parameters that a StyleGAN2 of these sizes does not have: "
          + some(unknown));
    }
    List<String> missing = expected.keySet().stream().filter(name -> !found.has(name) && !name.equals(AVERAGE))
        .toList();
    if (!missing.isEmpty()) {
      throw new CheckpointException("it lacks parameters: " + some(missing.stream().map(found::nameInFile).toList()));
    }
    for (Map.Entry<String, Weight> entry : found.weights().entrySet()) {
      long[] shape = expected.get(entry.getKey());
      if (!Arrays.equals(shape, entry.getValue().shape())) {
        throw new CheckpointException(entry.getKey() + " has shape " + Arrays.toString(entry.getValue().shape())
            + " (expected, by the other shapes: " + Arrays.toString(shape) + ")");
      }
    }
  }

  /**
   * Every parameter.
   *
   * @param most values in all that a file of its size can have
   */
  Map<String, Tensor> weights(StyleGan2Config config, long most, Progress progress) throws IOException {
    long values = 0;
    for (Weight weight : found.weights().values()) {
      values += Shapes.size(weight.shape());
    }
    if (values > most) {
      throw new CheckpointException("its networks have " + values + " values, more than it has bytes, " + most);
    }
    Map<String, Tensor> weights = new LinkedHashMap<>();
    long read = 0;
    for (Map.Entry<String, Weight> entry : found.weights().entrySet()) {
      Tensor tensor;
      try {
        tensor = entry.getValue().read();
      } catch (CheckpointException e) {
        throw new CheckpointException(entry.getKey() + " " + e.getMessage(), e);
      }
      for (float value : tensor.data()) {
        if (!Float.isFinite(value)) {
          throw new CheckpointException(entry.getKey() + " has the value " + value
              + ": the model diverged, or the file is "
              + "damaged");
        }
      }
      weights.put(entry.getKey(), tensor);
      read += tensor.data().length;
      progress.read(read, values);
    }
    weights.computeIfAbsent(AVERAGE, name -> Tensor.zeros(config.wDim()));
    return weights;
  }

  boolean averageMissing() {
    return !found.has(AVERAGE);
  }
}
