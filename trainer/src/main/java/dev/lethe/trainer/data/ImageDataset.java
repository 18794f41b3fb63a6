package dev.lethe.trainer.data;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.image.Pixels;
import java.util.List;
import java.util.stream.IntStream;

/** Images of one size in a fixed order, each with a class where there are classes. Safe for use by many threads. */
public interface ImageDataset {

  /** Number of images. */
  int size();

  /** 1 (grey) or 3 (RGB). */
  int channels();

  /** Height and width in pixels. */
  int resolution();

  /** Class names by class index; empty for unlabelled images. */
  List<String> labels();

  /** Number of classes; 0 for unlabelled images. */
  default int classes() {
    return labels().size();
  }

  /**
   * Writes an image into an array, from {@code offset}: [C, H, W] in [-1, 1].
   *
   * @param index from 0 to {@code size() - 1}
   */
  void copyTo(int index, float[] target, int offset);

  /** Class index of an image; 0 for unlabelled images. */
  int label(int index);

  /** Number of values of an image. */
  default int imageSize() {
    return channels() * resolution() * resolution();
  }

  /** The pixels of an image, [C, H, W], unsigned bytes; a fresh array. */
  default byte[] pixels(int index) {
    float[] image = new float[imageSize()];
    copyTo(index, image, 0);
    return Pixels.toBytes(image);
  }

  /** [N, C, H, W] in [-1, 1]. */
  default Tensor images(int... indices) {
    Tensor batch = Tensor.zeros(indices.length, channels(), resolution(), resolution());
    for (int i = 0; i < indices.length; i++) {
      copyTo(indices[i], batch.data(), i * imageSize());
    }
    return batch;
  }

  /** One-hot classes, [N, classes]; [N, 0] for unlabelled images. */
  default Tensor oneHot(int... indices) {
    Tensor batch = Tensor.zeros(indices.length, classes());
    for (int i = 0; i < indices.length && classes() > 0; i++) {
      batch.data()[i * classes() + label(indices[i])] = 1;
    }
    return batch;
  }

  /** All images, [N, C, H, W] in [-1, 1]. */
  default Tensor images() {
    return images(IntStream.range(0, size()).toArray());
  }

  /** Class index of every image. */
  default int[] classIndices() {
    return IntStream.range(0, size()).map(this::label).toArray();
  }

  /** The images at {@code indices}, in that order; nothing is copied. */
  default ImageDataset subset(int... indices) {
    return new Subset(this, indices.clone());
  }
}
