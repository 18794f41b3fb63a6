package dev.lethe.server.unlearning;

import dev.lethe.models.bundle.ModelCard;
import dev.lethe.server.logging.SafeText;
import dev.lethe.server.registry.ClassLabels;
import dev.lethe.v1.LabelledImage;
import java.util.function.BiConsumer;

/** How an image of a request is told of. */
public final class ImageField {

  private static final int LONGEST_NAME = 255;

  private ImageField() {}

  /**
   * What a client is told of an image by: its own name for it, or else its place.
   *
   * @param place in the request
   * @param card of the model that it is for
   * @param conceal told what of the client's words is not to be written down, since it may name people, and what is
   *     in place of it
   */
  public static String of(LabelledImage image, String place, ModelCard card, BiConsumer<String, String> conceal) {
    if (!ClassLabels.isLabel(card, image.getLabel())) {
      // Such as the folder that it was in.
      conceal.accept(ClassLabels.abbreviate(image.getLabel()), "its label");
    }
    if (image.getName().isEmpty()) {
      return place;
    }
    String name = SafeText.line(image.getName(), LONGEST_NAME);
    conceal.accept(name, place);
    return name;
  }
}
