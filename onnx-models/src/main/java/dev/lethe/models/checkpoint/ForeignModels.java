package dev.lethe.models.checkpoint;

import java.util.LinkedHashMap;
import java.util.Map;

/** Names that tell what a checkpoint is that is not StyleGAN2's. */
final class ForeignModels {

  private static final Map<String, String> BY_NAME = new LinkedHashMap<>();

  static {
    BY_NAME.put("training.networks_stylegan3", "StyleGAN3");
    BY_NAME.put("pg_modules", "StyleGAN-XL or a Projected GAN");
    BY_NAME.put("timm", "StyleGAN-XL or a Projected GAN");
    BY_NAME.put("diffusers", "a diffusion model");
    BY_NAME.put("transformers", "a transformer");
  }

  private ForeignModels() {}

  /** What else a name suggests, to end a message with; empty if nothing. */
  static String hint(String name) {
    for (Map.Entry<String, String> foreign : BY_NAME.entrySet()) {
      if (name.startsWith(foreign.getKey() + ".")) {
        return ". It seems to be " + foreign.getValue();
      }
    }
    return "";
  }
}
