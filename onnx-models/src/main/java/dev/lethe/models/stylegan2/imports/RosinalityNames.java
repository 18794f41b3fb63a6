package dev.lethe.models.stylegan2.imports;

import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** What rosinality's code calls our parameters: the way back from {@link RosinalityCheckpoint}, for messages. */
final class RosinalityNames {

  private static final Pattern MAPPING = Pattern.compile("G\\.mapping\\.fc(\\d{1,3})\\.(weight|bias)");
  private static final Pattern LAYER = Pattern.compile("G\\.synthesis\\.b(\\d{1,5})\\.(conv0|conv1|torgb)\\.(.*)");
  private static final Pattern BLOCK = Pattern.compile("D\\.b(\\d{1,5})\\.(fromrgb|conv0|conv1|skip)\\.(weight|bias)");
  private static final Map<String, String> PARTS = Map.of("weight", "conv.weight", "affine.weight",
      "conv.modulation.weight", "affine.bias", "conv.modulation.bias", "noise_strength", "noise.weight");
  private static final Map<String, String> OF_BLOCK = Map.of("conv0.weight", "conv1.0.weight", "conv0.bias",
      "conv1.1.bias", "conv1.weight", "conv2.1.weight", "conv1.bias", "conv2.2.bias", "skip.weight", "skip.1.weight");
  private static final Map<String, String> ENDS = RosinalityCheckpoint.ENDS.entrySet().stream()
      .collect(Collectors.toMap(Map.Entry::getValue, Map.Entry::getKey));

  private RosinalityNames() {}

  /**
   * The name in the file.
   *
   * @param generator what goes before the generator's names: its key and a dot, or nothing
   * @param resolution of the discriminator's images
   */
  static String of(String ours, String generator, long resolution) {
    Matcher mapping = MAPPING.matcher(ours);
    Matcher layer = LAYER.matcher(ours);
    Matcher block = BLOCK.matcher(ours);
    if (mapping.matches()) {
      return generator + "style." + (Integer.parseInt(mapping.group(1)) + 1) + "." + mapping.group(2);
    }
    if (layer.matches()) {
      return generator + layer(log2(Long.parseLong(layer.group(1))), layer.group(2), layer.group(3));
    }
    if (block.matches() && block.group(2).equals("fromrgb")) {
      return "d.convs.0." + (block.group(3).equals("weight") ? "0.weight" : "1.bias");
    }
    if (block.matches()) {
      String part = block.group(2) + "." + block.group(3);
      return "d.convs." + (log2(resolution) - log2(Long.parseLong(block.group(1))) + 1) + "."
          + OF_BLOCK.getOrDefault(part, part);
    }
    return ours.equals("G.synthesis.b4.const") ? generator + "input.input"
        : ENDS.containsKey(ours) ? "d." + ENDS.get(ours) : ours;
  }

  private static String layer(int log2, String layer, String part) {
    if (part.equals("noise_const")) {
      return "noises.noise_" + (2 * (log2 - 2) - (layer.equals("conv0") ? 1 : 0));
    }
    if (layer.equals("torgb")) {
      return (log2 == 2 ? "to_rgb1" : "to_rgbs." + (log2 - 3)) + "." + PARTS.getOrDefault(part, part);
    }
    return (log2 == 2 ? "conv1" : "convs." + (2 * (log2 - 3) + (layer.equals("conv0") ? 0 : 1))) + "."
        + (part.equals("bias") ? "activate.bias" : PARTS.getOrDefault(part, part));
  }

  private static int log2(long resolution) {
    return Long.SIZE - 1 - Long.numberOfLeadingZeros(Math.max(1, resolution));
  }
}
