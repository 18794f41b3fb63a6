package dev.lethe.models.stylegan2.imports;

import dev.lethe.models.checkpoint.CheckpointException;
import dev.lethe.models.checkpoint.Tree;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Pickles of StyleGAN2-ADA-PyTorch, and StyleGAN2's of the StyleGAN3 repository: a dictionary with G, D and G_ema,
 * modules whose source text lies beside their state. Names and layouts are ours.
 */
final class AdaPickle {

  private static final String MODULE = "torch_utils.persistence._reconstruct_persistent_obj";
  private static final String EMA = "G_ema";
  private static final int DEEPEST = 8;
  private static final int MOST_MODULES = 10_000;
  /** Learning rate multiplier that our graphs have in mapping networks. */
  private static final double MAPPING_MULTIPLIER = 0.01;
  private static final double SAME = 1e-6;

  private final FoundNetworks found = new FoundNetworks("StyleGAN2-ADA (PyTorch)");
  /** A module's attributes by its name. */
  private final Map<String, Tree> modules = new LinkedHashMap<>();

  private AdaPickle() {}

  static boolean isOne(Tree root) throws CheckpointException {
    return root.isMap() && (isModule(root, EMA) || isModule(root, "G"));
  }

  private static boolean isModule(Tree root, String key) throws CheckpointException {
    return root.has(key) && root.get(key).isObject(MODULE);
  }

  static FoundNetworks read(Tree root) throws IOException {
    AdaPickle pickle = new AdaPickle();
    boolean averaged = isModule(root, EMA);
    pickle.found.naming(ours -> averaged && ours.startsWith("G.") ? EMA + ours.substring(1) : ours);
    if (!averaged) {
      pickle.found.note("there is no G_ema; G was taken, whose images are worse");
    }
    pickle.network("G", "Generator", root.get(averaged ? EMA : "G"));
    if (root.has("D") && !root.get("D").isNull()) {
      pickle.network("D", "Discriminator", root.get("D"));
    }
    return pickle.found;
  }

  private void network(String prefix, String className, Tree module) throws IOException {
    if (!module.isObject(MODULE)) {
      throw new CheckpointException(module.path() + " is " + Tree.describe(module.value())
          + " (expected: a network as StyleGAN2-ADA-PyTorch pickles it)");
    }
    requireClass(className, module);
    flatten(prefix, module, 0);
    requireStyleGan2(prefix, module.path());
    checkModules(prefix);
    Double clamp = clamp(prefix);
    if (prefix.equals("G")) {
      found.generatorClamp(clamp);
    } else {
      found.discriminatorClamp(clamp);
      Tree mbstd = modules.get("D.b4.mbstd");
      if (mbstd != null) {
        Tree group = mbstd.get("group_size");
        found.mbstdGroup(group.isNull() ? 0 : group.integer());
      }
    }
  }

  private static void requireClass(String className, Tree module) throws CheckpointException {
    Tree named = module.argument().get("class_name");
    String actual = named.isNull() ? "" : named.text();
    if (!actual.equals(className)) {
      throw new CheckpointException(module.path() + " is of class " + actual + " (expected: " + className
          + " of StyleGAN2)" + (actual.contains("Superres") || actual.contains("Projected")
          ? ". It seems to be StyleGAN-XL or a Projected GAN" : ""));
    }
  }

  private void flatten(String name, Tree module, int depth) throws CheckpointException {
    if (depth > DEEPEST || modules.size() >= MOST_MODULES) {
      throw new CheckpointException(module.path() + " has more modules within modules than StyleGAN2");
    }
    Tree state = module.argument().get("state");
    modules.put(name, state);
    for (String kind : List.of("_parameters", "_buffers")) {
      for (Map.Entry<String, Tree> entry : state.get(kind).children().entrySet()) {
        if (!entry.getValue().isNull()) {
          Weight weight = Weight.of(entry.getValue().tensor());
          found.add(name + "." + entry.getKey(), entry.getKey().equals("noise_strength") ? weight.reshaped(1) : weight);
        }
      }
    }
    for (Map.Entry<String, Tree> entry : state.get("_modules").children().entrySet()) {
      if (!entry.getValue().isNull()) {
        flatten(name + "." + entry.getKey(), new Tree(module.path() + "." + entry.getKey(), entry.getValue().value()),
            depth + 1);
      }
    }
  }

  /** StyleGAN3 has classes of the same names, made of others. */
  private void requireStyleGan2(String prefix, String path) throws CheckpointException {
    String first = prefix.equals("G") ? "G.synthesis.b4" : "D.b4";
    if (modules.containsKey(first)) {
      return;
    }
    List<String> parts = new ArrayList<>();
    for (String name : modules.keySet()) {
      if (name.startsWith(prefix + ".synthesis.") && name.indexOf('.', (prefix + ".synthesis.").length()) < 0) {
        parts.add(name.substring(name.lastIndexOf('.') + 1));
      }
    }
    boolean three = parts.contains("input") || parts.stream().anyMatch(part -> part.matches("L\\d+_\\d+_\\d+"));
    throw new CheckpointException(path + (three ? " is StyleGAN3's: its synthesis network has "
        : " is not StyleGAN2's: it "
        + "has ") + (parts.isEmpty() ? modules.keySet().stream().limit(8).toList() : parts.stream().limit(4).toList())
        + " (expected: b4, b8, ...)");
  }

  /**
   * Activations, filters and gains of each module: what our graphs have, or what a factor on the weights makes of it.
   */
  private void checkModules(String prefix) throws IOException {
    for (Map.Entry<String, Tree> module : modules.entrySet()) {
      String name = module.getKey();
      if (!name.startsWith(prefix + ".") && !name.equals(prefix)) {
        continue;
      }
      Tree state = module.getValue();
      Weight filter = found.weights().remove(name + ".resample_filter");
      if (filter != null) {
        FoundNetworks.requireFilter(name + ".resample_filter", filter);
      }
      if (state.has("activation")) {
        String activation = state.get("activation").text();
        boolean linear = name.endsWith(".affine") || name.endsWith(".embed") || name.endsWith(".out")
            || name.endsWith(".skip");
        if (!activation.equals(linear ? "linear" : "lrelu")) {
          throw new CheckpointException(name + " has the activation " + activation + " (expected: "
              + (linear ? "linear" : "lrelu") + ")");
        }
      }
      if (prefix.equals("G") && state.has("architecture") && !state.get("architecture").text().equals("skip")) {
        throw new CheckpointException("the generator's architecture is " + state.get("architecture").text()
            + " (expected: skip, the reference's default)");
      }
      if (state.has("weight_gain") && state.has("bias_gain")) {
        gains(name, state);
      }
      if (state.has("use_noise") && Boolean.FALSE.equals(state.get("use_noise").value())) {
        withoutNoise(name, state);
      }
    }
  }

  /** A fully connected layer's learning rate multiplier is in its gains. */
  private void gains(String name, Tree state) throws CheckpointException {
    Weight weight = found.weights().get(name + ".weight");
    if (weight == null || weight.shape().length != 2) {
      return;
    }
    double multiplier = name.contains(".mapping.fc") ? MAPPING_MULTIPLIER : 1;
    double factor = state.get("weight_gain").number() * Math.sqrt(weight.shape()[1]) / multiplier;
    if (Math.abs(factor - 1) > SAME) {
      found.weights().put(name + ".weight", weight.scaled(factor, 0));
    }
    Weight bias = found.weights().get(name + ".bias");
    double biasFactor = state.get("bias_gain").number() / multiplier;
    if (bias != null && Math.abs(biasFactor - 1) > SAME) {
      found.weights().put(name + ".bias", bias.scaled(biasFactor, 0));
    }
  }

  private void withoutNoise(String name, Tree state) throws CheckpointException {
    int size = state.get("resolution").integer();
    if (size > 1024 || size < 1) {
      throw new CheckpointException(name + " has resolution " + size);
    }
    found.add(name + ".noise_strength", Zeros.of(1));
    found.add(name + ".noise_const", Zeros.of(size, size));
  }

  /** The limit that all convolutions of a network share; null if there is none. */
  private Double clamp(String prefix) throws CheckpointException {
    Double clamp = null;
    String first = null;
    for (Map.Entry<String, Tree> module : modules.entrySet()) {
      String name = module.getKey();
      // The reference leaves two kinds of layers of the discriminator without a limit, and so do our graphs.
      boolean unlimited = name.endsWith(".skip") || name.equals("D.b4.fromrgb");
      if (!name.startsWith(prefix + ".") || !module.getValue().has("conv_clamp") || unlimited) {
        continue;
      }
      Tree value = module.getValue().get("conv_clamp");
      Double own = value.isNull() ? null : (Double) value.number();
      if (first != null && !java.util.Objects.equals(clamp, own)) {
        throw new CheckpointException(first + " has conv_clamp " + clamp + " and " + name + " has " + own
            + "; one of all layers of a network is supported");
      }
      first = name;
      clamp = own;
    }
    return clamp;
  }
}
