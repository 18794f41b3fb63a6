package dev.lethe.models.stylegan2.imports;

import dev.lethe.models.checkpoint.CheckpointException;
import dev.lethe.models.checkpoint.Tree;
import dev.lethe.models.graph.Tensor;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Checkpoints of rosinality/stylegan2-pytorch: state dictionaries g, d and g_ema, and with converted models latent_avg.
 * Layers are numbered, not named by their resolution; weights have axes of length 1 before ours.
 */
final class RosinalityCheckpoint {

  private static final Pattern STYLE = Pattern.compile("style\\.(\\d{1,2})\\.(weight|bias)");
  private static final Pattern LAYER =
      Pattern.compile("(conv1|convs\\.(\\d{1,2}))\\.(conv\\.weight|conv\\.blur\\.kernel|"
      + "conv\\.modulation\\.weight|conv\\.modulation\\.bias|noise\\.weight|activate\\.bias)");
  private static final Pattern TO_RGB =
      Pattern.compile("(to_rgb1|to_rgbs\\.(\\d{1,2}))\\.(conv\\.weight|upsample\\.kernel|"
      + "conv\\.modulation\\.weight|conv\\.modulation\\.bias|bias)");
  private static final Pattern NOISE = Pattern.compile("noises\\.noise_(\\d{1,2})");
  private static final Pattern BLOCK = Pattern.compile("convs\\.(\\d{1,2})\\.(conv1\\.0\\.weight|conv1\\.1\\.bias|"
      + "conv2\\.0\\.kernel|conv2\\.1\\.weight|conv2\\.2\\.bias|skip\\.0\\.kernel|skip\\.1\\.weight)");
  static final Map<String, String> ENDS = Map.of("final_conv.0.weight", "D.b4.conv.weight", "final_conv.1.bias",
      "D.b4.conv.bias", "final_linear.0.weight", "D.b4.fc.weight", "final_linear.0.bias", "D.b4.fc.bias",
      "final_linear.1.weight", "D.b4.out.weight", "final_linear.1.bias", "D.b4.out.bias");

  private final FoundNetworks found = new FoundNetworks("StyleGAN2 (rosinality)");

  private RosinalityCheckpoint() {}

  static boolean isOne(Tree root) throws CheckpointException {
    return root.isMap() && (root.has("g_ema") || root.has("g") || isGenerator(root));
  }

  /** By either of two keys: a file that lacks one is told so. */
  private static boolean isGenerator(Tree root) {
    return root.has("style.1.weight") || root.has("input.input");
  }

  static FoundNetworks read(Tree root) throws IOException {
    RosinalityCheckpoint checkpoint = new RosinalityCheckpoint();
    checkpoint.found.naming(ours -> RosinalityNames.of(ours, "", 0));
    if (isGenerator(root)) {
      checkpoint.generator("", root);
      return checkpoint.found;
    }
    String key = root.has("g_ema") ? "g_ema" : "g";
    if (key.equals("g")) {
      checkpoint.found.note("there is no g_ema; g was taken, whose images are worse");
    }
    checkpoint.found.naming(ours -> RosinalityNames.of(ours, key + ".", 0));
    checkpoint.generator(key, root.get(key));
    if (root.has("latent_avg") && !root.get("latent_avg").isNull()) {
      checkpoint.found.add("G.mapping.w_avg", Weight.of(root.get("latent_avg").tensor()).ofRank(1));
    }
    if (root.has("d") && !root.get("d").isNull()) {
      long resolution = checkpoint.discriminator(root.get("d"));
      checkpoint.found.naming(ours -> RosinalityNames.of(ours, key + ".", resolution));
    }
    return checkpoint.found;
  }

  private void generator(String name, Tree state) throws IOException {
    Map<String, Tree> entries = entries(state);
    List<String> unknown = new ArrayList<>();
    for (Map.Entry<String, Tree> entry : entries.entrySet()) {
      if (!generatorEntry(entry.getKey(), entry.getValue())) {
        unknown.add(entry.getKey());
      }
    }
    refuse(name.isEmpty() ? "it" : name, unknown);
    addMissingNoise();
  }

  /** The entries of a state dictionary; those of a parallel model have one more word before their names. */
  private static Map<String, Tree> entries(Tree state) throws CheckpointException {
    Map<String, Tree> entries = new LinkedHashMap<>();
    for (Map.Entry<String, Tree> entry : state.children().entrySet()) {
      String name = entry.getKey();
      entries.put(name.startsWith("module.") ? name.substring("module.".length()) : name, entry.getValue());
    }
    return entries;
  }

  private boolean generatorEntry(String name, Tree value) throws IOException {
    Weight weight = Weight.of(value.tensor());
    Matcher style = STYLE.matcher(name);
    Matcher layer = LAYER.matcher(name);
    Matcher toRgb = TO_RGB.matcher(name);
    Matcher noise = NOISE.matcher(name);
    if (style.matches()) {
      // Number 0 normalizes.
      found.add("G.mapping.fc" + (Integer.parseInt(style.group(1)) - 1) + "." + style.group(2), weight);
    } else if (layer.matches()) {
      // convs: two of each resolution from 8x8 on, the first of which doubles it.
      int index = layer.group(2) == null ? -1 : Integer.parseInt(layer.group(2));
      String to = index < 0 ? "G.synthesis.b4.conv1"
          : "G.synthesis.b" + (8L << Math.min(index / 2, 20)) + (index % 2 == 0 ? ".conv0" : ".conv1");
      modulated(name, to, layer.group(3), weight);
    } else if (toRgb.matches()) {
      int index = toRgb.group(2) == null ? -1 : Integer.parseInt(toRgb.group(2));
      modulated(name, "G.synthesis.b" + (4L << Math.min(index + 1, 20)) + ".torgb", toRgb.group(3), weight);
    } else if (noise.matches()) {
      int index = Integer.parseInt(noise.group(1));
      found.add("G.synthesis.b" + (4L << Math.min((index + 1) / 2, 20)) + (index % 2 == 1 ? ".conv0" : ".conv1")
          + ".noise_const", weight.ofRank(2));
    } else if (name.equals("input.input")) {
      found.add("G.synthesis.b4.const", weight.ofRank(3));
    } else {
      return false;
    }
    return true;
  }

  private void modulated(String name, String to, String part, Weight weight) throws IOException {
    switch (part) {
      case "conv.weight" -> found.add(to + ".weight", weight.ofRank(4));
      case "conv.modulation.weight" -> found.add(to + ".affine.weight", weight);
      case "conv.modulation.bias" -> found.add(to + ".affine.bias", weight);
      case "noise.weight" -> found.add(to + ".noise_strength", weight);
      case "conv.blur.kernel", "upsample.kernel" -> FoundNetworks.requireFilter(name, weight);
      default -> found.add(to + ".bias", weight.shape().length == 4 ? weight.reshaped(weight.shape()[1]) : weight);
    }
  }

  /** Older checkpoints leave the constant noise out; their networks drew it anew for each image. */
  private void addMissingNoise() throws CheckpointException {
    List<String> without = found.weights().keySet().stream().filter(name -> name.endsWith(".noise_strength"))
        .map(name -> name.substring(0, name.lastIndexOf('.')))
        .filter(layer -> !found.has(layer + ".noise_const")).toList();
    // Where some of it is there, the rest is missing.
    if (without.isEmpty() || found.weights().keySet().stream().anyMatch(name -> name.endsWith(".noise_const"))) {
      return;
    }
    SplittableRandom random = new SplittableRandom(0);
    for (String layer : without) {
      Matcher resolution = Pattern.compile("G\\.synthesis\\.b(\\d+)\\..*").matcher(layer);
      if (!resolution.matches() || resolution.group(1).length() > 4) {
        throw new CheckpointException("it has the layer " + layer + ", which is beyond 1024×1024");
      }
      int size = Integer.parseInt(resolution.group(1));
      long seed = random.nextLong();
      found.add(layer + ".noise_const", Weight.of(new long[] {size, size}, () -> normal(size, seed)));
    }
    found.note("there is no constant noise; it was drawn, so images differ from the original's in their details");
  }

  private static Tensor normal(int size, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Tensor tensor = Tensor.zeros(size, size);
    for (int i = 0; i < tensor.data().length; i++) {
      tensor.data()[i] = (float) random.nextGaussian();
    }
    return tensor;
  }

  /** The resolution of its images, by the last of its blocks, whichever of them are there. */
  private long discriminator(Tree state) throws IOException {
    Map<String, Tree> entries = entries(state);
    int blocks = Math.min(20, entries.keySet().stream().map(BLOCK::matcher).filter(Matcher::matches)
        .mapToInt(block -> Integer.parseInt(block.group(1))).max().orElse(0));
    List<String> unknown = new ArrayList<>();
    for (Map.Entry<String, Tree> entry : entries.entrySet()) {
      if (!discriminatorEntry(entry.getKey(), entry.getValue(), 4L << blocks)) {
        unknown.add(entry.getKey());
      }
    }
    refuse("d", unknown);
    return 4L << blocks;
  }

  /** @param resolution of the images, which the first block takes */
  private boolean discriminatorEntry(String name, Tree value, long resolution) throws IOException {
    Weight weight = Weight.of(value.tensor());
    Matcher block = BLOCK.matcher(name);
    if (block.matches() && !block.group(1).equals("0")) {
      long at = resolution >> Math.min(Integer.parseInt(block.group(1)) - 1, 20);
      String to = "D.b" + at;
      switch (block.group(2)) {
        case "conv1.0.weight" -> found.add(to + ".conv0.weight", weight);
        case "conv1.1.bias" -> found.add(to + ".conv0.bias", weight);
        case "conv2.1.weight" -> found.add(to + ".conv1.weight", weight);
        case "conv2.2.bias" -> found.add(to + ".conv1.bias", weight);
        case "skip.1.weight" -> found.add(to + ".skip.weight", weight);
        default -> FoundNetworks.requireFilter(name, weight);
      }
    } else if (name.equals("convs.0.0.weight")) {
      found.add("D.b" + resolution + ".fromrgb.weight", weight);
    } else if (name.equals("convs.0.1.bias")) {
      found.add("D.b" + resolution + ".fromrgb.bias", weight);
    } else if (ENDS.containsKey(name)) {
      found.add(ENDS.get(name), weight);
    } else {
      return false;
    }
    return true;
  }

  private static void refuse(String network, List<String> unknown) throws CheckpointException {
    if (!unknown.isEmpty()) {
      throw new CheckpointException(network + " has keys that StyleGAN2 does not have: " + NetworkReader.some(unknown));
    }
  }
}
