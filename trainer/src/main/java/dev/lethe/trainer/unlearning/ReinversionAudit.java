package dev.lethe.trainer.unlearning;

import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.inversion.Inversion;
import dev.lethe.trainer.inversion.InversionOptions;
import dev.lethe.trainer.model.ModelWeights;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Whether a generator can still draw images, which is what clients reach: inverts them as an attacker would, with the
 * same budget as the job had.
 */
public record ReinversionAudit(InversionOptions how, Path directory, long seed, ExecutionDevice device, int threads) {

  /** Mean over images of the squared pixel error, in [-1, 1] pixels. */
  public double error(ModelWeights model, ImageDataset images, Inversion.Progress progress) throws IOException {
    return new Inversion(model.config(), model.weights(), model.features(), how, device, threads)
        .invert(images.images(), images.classIndices(), directory, seed, progress).meanError();
  }

  /** As many images as there are in {@code like}, of the same classes as far as there are enough; at least one. */
  public static ImageDataset alike(ImageDataset images, ImageDataset like) {
    List<Integer> chosen = new ArrayList<>();
    boolean[] taken = new boolean[images.size()];
    for (int i = 0; i < like.size(); i++) {
      int label = like.label(i);
      IntStream.range(0, images.size()).filter(k -> !taken[k] && images.label(k) == label).findFirst()
          .ifPresent(k -> {
            taken[k] = true;
            chosen.add(k);
          });
    }
    if (chosen.isEmpty()) {
      chosen.add(0);
    }
    return images.subset(chosen.stream().mapToInt(Integer::intValue).toArray());
  }
}
