package dev.lethe.trainer.identity;

import ai.onnx.proto.OnnxMl.ModelProto;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.Compute;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.features.FeatureExtractor;
import dev.lethe.trainer.metrics.RocAuc;
import java.util.Arrays;

/**
 * Says how alike two pictures are as people: the cosine between their embeddings, from each of which the mean embedding
 * of usual faces is taken. So two people are at about 0 on average, and the same picture at 1. Safe for use by many
 * threads.
 */
public final class IdentityJudge implements AutoCloseable {

  /**
   * Unit vectors, one for each picture.
   *
   * @param vectors [N][F]
   */
  public record Embeddings(float[][] vectors) {

    public int size() {
      return vectors.length;
    }

    /** Cosine between one of these and one of others, -1 to 1. */
    public double similarity(int own, Embeddings others, int other) {
      double sum = 0;
      for (int k = 0; k < vectors[own].length; k++) {
        sum += vectors[own][k] * (double) others.vectors[other][k];
      }
      return sum;
    }
  }

  private final FeatureExtractor network;
  private final double[] mean;

  private IdentityJudge(FeatureExtractor network, double[] mean) {
    this.network = network;
    this.mean = mean;
  }

  /**
   * @param network of {@code image} to {@code features}, such as {@link FaceNetwork#read}
   * @param usual faces of many people, whose mean embedding is taken off
   */
  public static IdentityJudge open(ModelProto network, ImageDataset usual, Compute compute) {
    FeatureExtractor extractor = FeatureExtractor.open(network, compute);
    try {
      FeatureExtractor.Outputs outputs = extractor.run(usual);
      double[] mean = new double[outputs.width()];
      float[] features = outputs.features().data();
      for (int i = 0; i < features.length; i++) {
        mean[i % mean.length] += features[i] / (double) usual.size();
      }
      return new IdentityJudge(extractor, mean);
    } catch (RuntimeException e) {
      extractor.close();
      throw e;
    }
  }

  /** @param images [N, C, H, W] in [-1, 1], one or more */
  public Embeddings of(Tensor images) {
    float[] features = network.run(images).features().data();
    float[][] vectors = new float[features.length / mean.length][mean.length];
    for (int i = 0; i < vectors.length; i++) {
      double squares = 0;
      for (int k = 0; k < mean.length; k++) {
        vectors[i][k] = (float) (features[i * mean.length + k] - mean[k]);
        squares += vectors[i][k] * (double) vectors[i][k];
      }
      for (int k = 0; k < mean.length && squares > 0; k++) {
        vectors[i][k] /= (float) Math.sqrt(squares);
      }
    }
    return new Embeddings(vectors);
  }

  /** What a Fréchet distance in the space of identities is measured by: the embeddings as they are, [N, F]. */
  public FeatureExtractor network() {
    return network;
  }

  /**
   * How well it tells people apart: the probability that two photos of one person are more alike than photos of two.
   *
   * @param photos of people, one a class, of whom one or more have two photos or more
   */
  public double auc(ImageDataset photos) {
    Embeddings embeddings = of(photos.images());
    int n = photos.size();
    float[] same = new float[n * n];
    float[] different = new float[n * n];
    int sames = 0;
    int differents = 0;
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < i; j++) {
        float similarity = (float) embeddings.similarity(i, embeddings, j);
        if (photos.label(i) == photos.label(j)) {
          same[sames++] = similarity;
        } else {
          different[differents++] = similarity;
        }
      }
    }
    return RocAuc.of(Arrays.copyOf(same, sames), Arrays.copyOf(different, differents));
  }

  @Override
  public void close() {
    network.close();
  }
}
