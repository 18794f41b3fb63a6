package dev.lethe.server.inspection;

import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.image.ImageDecoder;
import dev.lethe.models.image.ImageEncoder;
import dev.lethe.models.image.InvalidImageException;
import dev.lethe.models.image.Preparation;
import dev.lethe.models.image.PreparedImage;
import dev.lethe.server.errors.DomainException;
import dev.lethe.server.errors.DomainException.Invalid;
import dev.lethe.server.registry.ClassLabels;
import dev.lethe.server.unlearning.ImageField;
import dev.lethe.v1.LabelledImage;
import dev.lethe.v1.WorkerJob;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.Set;
import java.util.function.BiConsumer;

/**
 * The images of a study as they come in: each is decoded and written anew, so that no byte of a client's file reaches
 * the worker. Blocks: not for event loops; one piece at a time.
 */
final class Study {

  /** Most images of one. */
  static final int LARGEST_COUNT = 256;

  private final ModelCard card;
  private final Preparation preparation;
  private final boolean skipUnreadable;
  private final StudyDirectory directory;
  private final BiConsumer<String, String> conceal;
  private final WorkerJob.Builder job = WorkerJob.newBuilder();
  private final Set<ByteBuffer> seen = new HashSet<>();
  private int images;
  private int sent;

  /**
   * @param skipUnreadable images that cannot be read are told of, and not refused
   * @param conceal told of what a client calls an image, and what is to be written down in place of it
   */
  Study(ModelCard card, Preparation preparation, boolean skipUnreadable, StudyDirectory directory,
      BiConsumer<String, String> conceal) {
    this.card = card;
    this.preparation = preparation;
    this.skipUnreadable = skipUnreadable;
    this.directory = directory;
    this.conceal = conceal;
  }

  ModelCard card() {
    return card;
  }

  StudyDirectory directory() {
    return directory;
  }

  WorkerJob.Builder job() {
    return job;
  }

  int images() {
    return images;
  }

  /**
   * @param index what an image without a name is called
   * @throws DomainException Invalid naming the image, and what is wrong with it
   */
  void add(LabelledImage image, String index) throws IOException {
    String name = ImageField.of(image, index, card, conceal);
    if (++sent > LARGEST_COUNT) {
      throw invalid(name + ": is one too many; the limit is " + LARGEST_COUNT);
    }
    int label = label(image, name);
    ModelCard.Network network = card.network();
    PreparedImage prepared;
    try {
      prepared = ImageDecoder.prepare(image.getImage().getData().toByteArray(), network.channels(),
          network.resolution(),
          preparation);
    } catch (InvalidImageException e) {
      if (!skipUnreadable) {
        throw invalid(name + ": " + e.getMessage());
      }
      job.addPreparations(name + ": left out: " + e.getMessage());
      return;
    }
    if (!prepared.steps().isEmpty()) {
      job.addPreparations(name + ": " + String.join(", ", prepared.steps()));
    }
    if (!seen.add(ByteBuffer.wrap(prepared.pixels()))) {
      job.addPreparations(name + ": left out: is there twice");
      return;
    }
    directory.writeImage(images++, ImageEncoder.png(prepared.pixels(), network.channels(), network.resolution(),
        network.resolution()));
    job.addUnlearnNames(name);
    if (card.conditional()) {
      job.addUnlearnLabels(label);
    }
  }

  private int label(LabelledImage image, String name) {
    if (!card.conditional()) {
      if (!image.getLabel().isEmpty()) {
        throw invalid(name + ", label: model " + card.name() + " has no classes; leave it empty");
      }
      return 0;
    }
    if (image.getLabel().isEmpty()) {
      throw invalid(name + ", label: is empty; name the image's class, one of " + card.labels());
    }
    return ClassLabels.index(card, image.getLabel(), name + ", label");
  }

  static DomainException invalid(String description) {
    return new Invalid(description);
  }
}
