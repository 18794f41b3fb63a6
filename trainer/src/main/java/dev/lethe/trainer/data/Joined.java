package dev.lethe.trainer.data;

import java.util.List;

/** The images of one data set, then those of another of the same size and classes. */
record Joined(ImageDataset first, ImageDataset second) implements ImageDataset {

  Joined {
    if (first.channels() != second.channels() || first.resolution() != second.resolution()
        || !first.labels().equals(second.labels())) {
      throw new IllegalArgumentException("data sets of " + first.channels() + "x" + first.resolution() + " pixels and "
          + "classes " + first.labels() + " and of " + second.channels() + "x" + second.resolution() + " and "
          + second.labels() + " cannot be joined");
    }
  }

  @Override
  public int size() {
    return first.size() + second.size();
  }

  @Override
  public int channels() {
    return first.channels();
  }

  @Override
  public int resolution() {
    return first.resolution();
  }

  @Override
  public List<String> labels() {
    return first.labels();
  }

  @Override
  public void copyTo(int index, float[] target, int offset) {
    if (index < first.size()) {
      first.copyTo(index, target, offset);
    } else {
      second.copyTo(index - first.size(), target, offset);
    }
  }

  @Override
  public int label(int index) {
    return index < first.size() ? first.label(index) : second.label(index - first.size());
  }
}
