package dev.lethe.trainer.data;

import java.util.List;

/** Some images of another data set. */
record Subset(ImageDataset of, int[] indices) implements ImageDataset {

  @Override
  public int size() {
    return indices.length;
  }

  @Override
  public int channels() {
    return of.channels();
  }

  @Override
  public int resolution() {
    return of.resolution();
  }

  @Override
  public List<String> labels() {
    return of.labels();
  }

  @Override
  public void copyTo(int index, float[] target, int offset) {
    of.copyTo(indices[index], target, offset);
  }

  @Override
  public int label(int index) {
    return of.label(indices[index]);
  }
}
