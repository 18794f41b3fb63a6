package dev.lethe.trainer.unlearning;

import dev.lethe.trainer.data.ImageDataset;
import java.util.Optional;

/**
 * The real images of a job, all of the model's size and classes.
 *
 * @param unlearn what to unlearn; may be empty when classes of a conditional model are
 * @param learn what the model must keep; may be empty in the zero-shot mode
 * @param kept all real images that are known to stay, {@code learn} among them: what is near is measured by them
 * @param tests images that training never saw, where there are some, to measure with
 * @param calibration other such images, which say what the discriminator makes of images that it has not learned
 */
public record JobImages(ImageDataset unlearn, ImageDataset learn, ImageDataset kept, Optional<ImageDataset> tests,
    Optional<ImageDataset> calibration) {}
