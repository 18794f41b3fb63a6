package dev.lethe.server.inference;

import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.runtime.ExecutionDevice;
import java.io.IOException;
import java.time.Duration;

/**
 * How images are gathered into batches.
 *
 * @param maxBatch most images in one run of a session; 0: 8, and fewer for large images, see
 *     {@link #batchSize}
 * @param maxDelay how long a batch that is not full waits for more images while another one of its version is computed;
 *     where none is, it never waits
 * @param concurrency batches of one version that are computed or encoded at once, from 1
 * @param maxQueue images of one version that may wait, from 1; a call above that is refused
 */
public record BatchingOptions(int maxBatch, Duration maxDelay, int concurrency, int maxQueue) {

  /** Above it, images per second no longer grow on a CPU, and the first image comes later. */
  private static final int LARGEST_CHOSEN_BATCH = 8;
  /** Of a batch on a CPU: the activations of more fall out of its caches, and each image takes longer, not shorter. */
  private static final int LARGEST_CHOSEN_PIXELS = 256 * 256;
  /** Of a batch on a GPU, for its memory's sake. */
  private static final int LARGEST_CHOSEN_PIXELS_OF_GPU = 1024 * 1024;

  public BatchingOptions {
    if (maxBatch < 0 || maxDelay.isNegative() || concurrency < 1 || maxQueue < 1) {
      throw new IllegalArgumentException("maxBatch and maxDelay are 0 or more, concurrency and maxQueue 1 or more: "
          + maxBatch + ", " + maxDelay + ", " + concurrency + ", " + maxQueue);
    }
  }

  /** Most images of this model in one run: if not set, one of 256 x 256 on a CPU, of 1024 x 1024 on a GPU. */
  public int batchSize(ModelCard card, ExecutionDevice device) {
    if (maxBatch > 0) {
      return maxBatch;
    }
    int pixels = card.network().resolution() * card.network().resolution();
    int most = device instanceof ExecutionDevice.Cuda ? LARGEST_CHOSEN_PIXELS_OF_GPU : LARGEST_CHOSEN_PIXELS;
    return Math.max(1, Math.min(LARGEST_CHOSEN_BATCH, most / pixels));
  }

  /** @throws IOException if a batch of this model's images is more than one buffer can hold */
  void checkFits(ModelCard card, ExecutionDevice device) throws IOException {
    ModelCard.Network network = card.network();
    long imageBytes = (long) Float.BYTES * network.channels() * network.resolution() * network.resolution();
    long largest = Integer.MAX_VALUE / imageBytes;
    if (batchSize(card, device) > largest) {
      throw new IOException("the largest batch is set to " + maxBatch + ", and " + card.name()
          + " can have at most " + largest + " images in one: set it lower, or to 0 for a size that fits each model");
    }
  }
}
