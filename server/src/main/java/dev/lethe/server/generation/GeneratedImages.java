package dev.lethe.server.generation;

import dev.lethe.models.bundle.ModelCard;
import dev.lethe.server.generation.GenerationPlan.Item;
import dev.lethe.server.images.ImageRun;
import dev.lethe.v1.GeneratedImage;
import dev.lethe.v1.Image;
import dev.lethe.v1.Vector;
import java.nio.FloatBuffer;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/** Turns a plan's images into messages. */
record GeneratedImages(ModelCard card, GenerationPlan plan) {

  /** @param w [num_ws * w_dim], if it is asked for */
  record Made(Image image, Optional<Vector> w) {}

  ImageRun.Order<Item, Made> order() {
    ImageFormatter formatter = new ImageFormatter(card.network(), plan.format());
    return new ImageRun.Order<>(plan.count(), plan.items(), Item::latent, plan.noise(), (pixels, ws) ->
        made(formatter, pixels, ws));
  }

  private Made made(ImageFormatter formatter, FloatBuffer pixels, float[] ws) {
    if (!plan.includeW()) {
      return new Made(formatter.format(pixels), Optional.empty());
    }
    Vector.Builder w = Vector.newBuilder();
    for (float value : ws) {
      w.addValues(value);
    }
    return new Made(formatter.format(pixels), Optional.of(w.build()));
  }

  /**
   * Hands each message on.
   *
   * @param full whether the next one must wait
   */
  ImageRun.Receiver<Item, Made> to(BooleanSupplier full, Consumer<GeneratedImage> taker) {
    return new ImageRun.Receiver<>() {
      @Override
      public boolean isFull() {
        return full.getAsBoolean();
      }

      @Override
      public void image(int index, Item item, Made made) {
        taker.accept(message(index, item, made));
      }
    };
  }

  private GeneratedImage message(int index, Item item, Made made) {
    GeneratedImage.Builder generated = GeneratedImage.newBuilder()
        .setIndex(index)
        .setImage(made.image())
        .setVersion(card.version());
    made.w().ifPresent(generated::setW);
    item.seed().ifPresent(seed -> generated.setSeed((int) seed));
    if (item.label() != null) {
      generated.setLabel(item.label());
    }
    return generated.build();
  }
}
