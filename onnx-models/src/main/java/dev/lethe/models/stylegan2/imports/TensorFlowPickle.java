package dev.lethe.models.stylegan2.imports;

import dev.lethe.models.checkpoint.CheckpointException;
import dev.lethe.models.checkpoint.Tree;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Pickles of StyleGAN2 and StyleGAN2-ADA of TensorFlow: G, D and Gs, the moving average of G. Matrices are [in, out],
 * kernels [height, width, in, out], those that double the size turned; biases of styles leave out their 1.
 */
final class TensorFlowPickle {

  private static final String NETWORK = "dnnlib.tflib.network.Network";
  private static final Pattern DENSE = Pattern.compile("mapping/Dense(\\d+)/(weight|bias)");
  private static final Pattern LAYER = Pattern.compile(
      "synthesis/(\\d+)x\\1/(Conv|Conv0_up|Conv1|ToRGB)/(weight|bias|noise_strength|mod_weight|mod_bias)");
  private static final Pattern NOISE = Pattern.compile("synthesis/noise(\\d+)");
  private static final Pattern BLOCK = Pattern.compile(
      "(\\d+)x\\1/(FromRGB|Conv0|Conv1_down|Skip|Conv|Dense0)/(weight|bias)");
  private static final Pattern LABEL_DENSE = Pattern.compile("Mapping(\\d+)/(weight|bias)");
  private static final double MAPPING_MULTIPLIER = 0.01;
  /** Of the discriminator's mapping network, unless it says another. */
  private static final double LABEL_MULTIPLIER = 0.1;

  private final FoundNetworks found = new FoundNetworks("StyleGAN2 (TensorFlow)");

  private TensorFlowPickle() {}

  static boolean isOne(Tree root) throws CheckpointException {
    return root.isList() && !root.items().isEmpty()
        && root.items().stream().allMatch(item -> item.isNull() || item.isObject(NETWORK));
  }

  static FoundNetworks read(Tree root) throws IOException {
    List<Tree> networks = root.items();
    if (networks.size() != 3) {
      throw new CheckpointException("it is a tuple of " + networks.size() + " networks (expected: G, D and Gs)");
    }
    if (networks.get(2).isNull()) {
      throw new CheckpointException("Gs, the generator that draws best, is None");
    }
    TensorFlowPickle pickle = new TensorFlowPickle();
    pickle.found.naming(TensorFlowNames::of);
    pickle.generator(new Tree("Gs", networks.get(2).value()).state());
    if (!networks.get(1).isNull()) {
      pickle.discriminator(new Tree("D", networks.get(1).value()).state());
    }
    return pickle.found;
  }

  private void generator(Tree state) throws IOException {
    requireStyleGan2(state);
    Map<String, Tree> variables = variables(state, "");
    Tree settings = state.get("static_kwargs");
    requireSettings(settings, "skip");
    double multiplier = setting(settings, "mapping_lrmul", MAPPING_MULTIPLIER) / MAPPING_MULTIPLIER;
    List<String> unknown = new ArrayList<>();
    for (Map.Entry<String, Tree> entry : variables.entrySet()) {
      if (!generatorVariable(entry.getKey(), entry.getValue(), multiplier)) {
        unknown.add(entry.getKey());
      }
    }
    refuse("Gs", unknown);
    found.generatorClamp(clamp(settings));
  }

  private boolean generatorVariable(String name, Tree value, double multiplier) throws CheckpointException {
    if (isLod(name)) {
      return true;
    }
    Weight weight = Weight.of(value.tensor());
    Matcher dense = DENSE.matcher(name);
    Matcher layer = LAYER.matcher(name);
    Matcher noise = NOISE.matcher(name);
    if (dense.matches()) {
      found.add("G.mapping.fc" + dense.group(1) + "." + dense.group(2),
          transposedMatrix(weight).scaled(multiplier, 0));
    } else if (layer.matches()) {
      layer(layer, weight);
    } else if (noise.matches()) {
      int index = Integer.parseInt(noise.group(1).length() > 3 ? "999" : noise.group(1));
      // noise0 is 4x4's one, then there are two of each resolution.
      found.add("G.synthesis.b" + (4L << Math.min((index + 1) / 2, 20)) + (index % 2 == 1 ? ".conv0" : ".conv1")
          + ".noise_const", weight.ofRank(2));
    } else {
      switch (name) {
        case "dlatent_avg" -> found.add("G.mapping.w_avg", weight);
        case "mapping/LabelEmbed/weight" -> found.add("G.mapping.embed.weight", transposedMatrix(weight));
        case "mapping/LabelEmbed/bias" -> found.add("G.mapping.embed.bias", weight);
        case "synthesis/4x4/Const/const" -> found.add("G.synthesis.b4.const", weight.ofRank(3));
        case "mapping/LabelConcat/weight" ->
            throw new CheckpointException("Gs has the variable mapping/LabelConcat/weight: "
            + "it is a conditional model of the first StyleGAN2, whose labels enter in a way that is not supported");
        default -> {
          return false;
        }
      }
    }
    return true;
  }

  private void layer(Matcher layer, Weight weight) throws CheckpointException {
    String block = "G.synthesis.b" + layer.group(1);
    String name = block + switch (layer.group(2)) {
      case "Conv0_up" -> ".conv0";
      case "ToRGB" -> ".torgb";
      default -> ".conv1";
    };
    switch (layer.group(3)) {
      case "weight" -> {
        Weight kernel = weight.transposed(3, 2, 0, 1);
        found.add(name + ".weight", layer.group(2).equals("Conv0_up") ? kernel.turned() : kernel);
      }
      case "mod_weight" -> found.add(name + ".affine.weight", transposedMatrix(weight));
      case "mod_bias" -> found.add(name + ".affine.bias", weight.scaled(1, 1));
      case "noise_strength" -> found.add(name + ".noise_strength", weight.reshaped(1));
      default -> found.add(name + ".bias", weight);
    }
  }

  private void discriminator(Tree state) throws IOException {
    Map<String, Tree> variables = variables(state, "");
    Tree settings = state.get("static_kwargs");
    requireSettings(settings, null);
    double multiplier = setting(settings, "mapping_lrmul", LABEL_MULTIPLIER) / MAPPING_MULTIPLIER;
    boolean embeds = variables.containsKey("LabelEmbed/weight");
    if (!embeds && setting(settings, "label_size", 0) > 0) {
      throw new CheckpointException("D has labels and no variable LabelEmbed/weight: it is a conditional model of "
          + "the first "
          + "StyleGAN2, whose labels enter in a way that is not supported");
    }
    List<String> unknown = new ArrayList<>();
    for (Map.Entry<String, Tree> entry : variables.entrySet()) {
      if (!discriminatorVariable(entry.getKey(), entry.getValue(), multiplier)) {
        unknown.add(entry.getKey());
      }
    }
    refuse("D", unknown);
    found.discriminatorClamp(clamp(settings));
    // The first StyleGAN2 has groups of 4, ADA the whole batch, unless they say another.
    boolean ada = !state.get("build_func_name").isNull() && state.get("build_func_name").text().equals("D_main");
    found.mbstdGroup((int) setting(settings, "mbstd_group_size", ada ? 0 : 4));
  }

  private boolean discriminatorVariable(String name, Tree value, double multiplier) throws CheckpointException {
    if (isLod(name)) {
      return true;
    }
    Weight weight = Weight.of(value.tensor());
    Matcher block = BLOCK.matcher(name);
    Matcher label = LABEL_DENSE.matcher(name);
    if (block.matches()) {
      String layer = switch (block.group(2)) {
        case "FromRGB" -> "fromrgb";
        case "Conv0" -> "conv0";
        case "Conv1_down" -> "conv1";
        case "Skip" -> "skip";
        case "Conv" -> "conv";
        default -> "fc";
      };
      boolean bias = block.group(3).equals("bias");
      found.add("D.b" + block.group(1) + "." + layer + "." + block.group(3), bias ? weight
          : layer.equals("fc") ? transposedMatrix(weight) : weight.transposed(3, 2, 0, 1));
    } else if (label.matches()) {
      found.add("D.mapping.fc" + label.group(1) + "." + label.group(2), transposedMatrix(weight).scaled(multiplier, 0));
    } else {
      switch (name) {
        case "Output/weight" -> found.add("D.b4.out.weight", transposedMatrix(weight));
        case "Output/bias" -> found.add("D.b4.out.bias", weight);
        case "LabelEmbed/weight" -> found.add("D.mapping.embed.weight", transposedMatrix(weight));
        case "LabelEmbed/bias" -> found.add("D.mapping.embed.bias", weight);
        default -> {
          return false;
        }
      }
    }
    return true;
  }

  private static Weight transposedMatrix(Weight weight) {
    return weight.shape().length == 2 ? weight.transposed(1, 0) : weight;
  }

  /** How far progressive growing had come, which StyleGAN2 does not use. */
  private static boolean isLod(String name) {
    return name.equals("lod") || name.endsWith("/lod");
  }

  /** A network's variables and those of its parts, by name after the part's. */
  private static Map<String, Tree> variables(Tree state, String prefix) throws CheckpointException {
    Map<String, Tree> variables = new LinkedHashMap<>();
    for (Tree variable : state.get("variables").items()) {
      List<Tree> pair = variable.items();
      if (pair.size() != 2) {
        throw new CheckpointException(variable.path() + " has " + pair.size()
            + " values (expected: a name and an array)");
      }
      variables.put(prefix + pair.get(0).text(), new Tree(prefix + pair.get(0).text(), pair.get(1).value()));
    }
    // Two parts, mapping and synthesis; theirs have none.
    if (prefix.isEmpty() && state.has("components")) {
      for (Map.Entry<String, Tree> component : state.get("components").children().entrySet()) {
        variables.putAll(variables(component.getValue().state(), component.getKey() + "/"));
      }
    }
    return variables;
  }

  private static void requireStyleGan2(Tree state) throws CheckpointException {
    for (Tree part : state.get("components").children().values()) {
      Tree function = part.state().get("build_func_name");
      for (Tree variable : part.state().get("variables").items()) {
        String name = variable.items().isEmpty() ? "" : variable.items().get(0).text();
        if (name.contains("StyleMod")) {
          throw new CheckpointException("it is StyleGAN1's: " + function.value() + " has the variable " + name);
        }
      }
    }
    Tree function = state.get("build_func_name");
    if (!function.isNull() && function.text().equals("G_style")) {
      throw new CheckpointException("it is StyleGAN1's: its generator is built by G_style");
    }
    if (!state.get("components").has("synthesis") || !state.get("components").has("mapping")) {
      throw new CheckpointException("its generator, " + state.get("name").value() + ", has the parts "
          + state.get("components").children().keySet() + " (expected: mapping and synthesis, as StyleGAN2 has them)");
    }
  }

  private static void requireSettings(Tree settings, String architecture) throws CheckpointException {
    for (String key : List.of("nonlinearity", "mapping_nonlinearity")) {
      if (settings.has(key) && !settings.get(key).isNull() && !settings.get(key).text().equals("lrelu")) {
        throw new CheckpointException(key + " is " + settings.get(key).text() + " (expected: lrelu)");
      }
    }
    if (architecture != null && settings.has("architecture")
        && !settings.get("architecture").text().equals(architecture)) {
      throw new CheckpointException("the generator's architecture is " + settings.get("architecture").text()
          + " (expected: " + architecture + ", the reference's default)");
    }
    if (settings.has("resample_kernel") && !settings.get("resample_kernel").isNull()) {
      List<?> kernel = settings.get("resample_kernel").items().stream().map(Tree::value).toList();
      if (!kernel.equals(List.of(1L, 3L, 3L, 1L))) {
        throw new CheckpointException("resample_kernel is " + kernel + " (expected: [1, 3, 3, 1])");
      }
    }
  }

  private static Double clamp(Tree settings) throws CheckpointException {
    return settings.has("conv_clamp") && !settings.get("conv_clamp").isNull()
        ? (Double) settings.get("conv_clamp").number()
        : null;
  }

  private static double setting(Tree settings, String key, double otherwise) throws CheckpointException {
    return settings.has(key) && !settings.get(key).isNull() ? settings.get(key).number() : otherwise;
  }

  private static void refuse(String network, List<String> unknown) throws CheckpointException {
    if (!unknown.isEmpty()) {
      throw new CheckpointException(network + " has variables that StyleGAN2 does not have: "
          + NetworkReader.some(unknown));
    }
  }
}
