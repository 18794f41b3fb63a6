package dev.lethe.models.stylegan2.imports;

import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What TensorFlow's variables of our parameters are called: the way back from {@link TensorFlowPickle}. */
final class TensorFlowNames {

  private static final Pattern MAPPING = Pattern.compile("([GD])\\.mapping\\.(fc|embed)(\\d*)\\.(weight|bias)");
  private static final Pattern LAYER = Pattern.compile("G\\.synthesis\\.b(\\d{1,5})\\.(conv0|conv1|torgb)\\.(.*)");
  private static final Pattern BLOCK =
      Pattern.compile("D\\.b(\\d{1,5})\\.(fromrgb|conv0|conv1|skip|conv|fc|out)\\.(weight|bias)");
  private static final Map<String, String> LAYERS = Map.of("conv0", "Conv0_up", "conv1", "Conv1", "torgb", "ToRGB");
  private static final Map<String, String> PARTS = Map.of("affine.weight", "mod_weight", "affine.bias", "mod_bias");
  private static final Map<String, String> BLOCKS = Map.of("fromrgb", "FromRGB", "conv0", "Conv0", "conv1",
      "Conv1_down", "skip", "Skip", "conv", "Conv", "fc", "Dense0");

  private TensorFlowNames() {}

  /** The variable in the file, after its network. */
  static String of(String ours) {
    Matcher mapping = MAPPING.matcher(ours);
    Matcher layer = LAYER.matcher(ours);
    Matcher block = BLOCK.matcher(ours);
    if (mapping.matches()) {
      boolean dense = mapping.group(2).equals("fc");
      String number = mapping.group(3);
      return (mapping.group(1).equals("G") ? "Gs/mapping/" + (dense ? "Dense" + number : "LabelEmbed")
          : "D/" + (dense ? "Mapping" + number : "LabelEmbed")) + "/" + mapping.group(4);
    }
    if (layer.matches()) {
      return "Gs/synthesis/" + layer(layer.group(1), layer.group(2), layer.group(3));
    }
    if (block.matches()) {
      return "D/" + (block.group(2).equals("out") ? "Output" : size(block.group(1)) + "/" + BLOCKS.get(block.group(2)))
          + "/" + block.group(3);
    }
    return ours.equals("G.synthesis.b4.const") ? "Gs/synthesis/4x4/Const/const" : ours;
  }

  private static String layer(String resolution, String layer, String part) {
    if (part.equals("noise_const")) {
      int log2 = Integer.SIZE - 1 - Integer.numberOfLeadingZeros(Math.max(4, Integer.parseInt(resolution)));
      return "noise" + (2 * (log2 - 2) - (layer.equals("conv0") ? 1 : 0));
    }
    String name = resolution.equals("4") && layer.equals("conv1") ? "Conv" : LAYERS.get(layer);
    return size(resolution) + "/" + name + "/" + PARTS.getOrDefault(part, part);
  }

  private static String size(String resolution) {
    return resolution + "x" + resolution;
  }
}
