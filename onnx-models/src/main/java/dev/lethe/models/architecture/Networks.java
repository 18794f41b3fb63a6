package dev.lethe.models.architecture;

import ai.onnx.proto.OnnxMl.ModelProto;
import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.Ops;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The networks of a model, by what training and unlearning need to know of them: sizes, networks as functions that add
 * themselves to a graph, and what each parameter is for. Weights are apart, by parameter name.
 *
 * <p>A generator is a mapping network, (z, class) → w, and a synthesis network, w → image, which may take another w for
 * each of its layers (the space W+). A discriminator is a stem, which sees images one by one, and a head. Labels are
 * one-hot, [N, classes], and null for an unconditional model; images are [N, C, H, W], about [-1, 1].
 */
public interface Networks {

  /** Height and width of an image in pixels. */
  int resolution();

  /** 1 (grey) or 3 (RGB). */
  int channels();

  /** Number of classes; 0 for an unconditional model. */
  int classes();

  /** True when images are generated for a class. */
  default boolean conditional() {
    return classes() > 0;
  }

  /** Length of z, which is standard normal. */
  int zDim();

  /** Length of w. */
  int wDim();

  /** Number of w that synthesis takes. */
  int numWs();

  /**
   * Values of all feature maps that the convolutions of synthesis give for one image: what an image takes of memory.
   */
  long activationValues();

  /** False of a model that came without one; all else about a discriminator is then not to be asked. */
  boolean hasDiscriminator();

  /**
   * Adds the mapping network to a graph.
   *
   * @param z [N, z_dim]
   * @return w [N, w_dim]
   */
  Value mapping(Graph g, Value z, @Nullable Value label);

  /** The same w for every layer: [N, w_dim] → [N, num_ws, w_dim]. */
  default Value broadcast(Value w) {
    Value one = Ops.reshape(w, w.dim(0), 1, w.dim(1));
    return Ops.concat(1, Collections.nCopies(numWs(), one));
  }

  /**
   * Adds the synthesis network to a graph; where it adds noise, with the noise that is part of the model.
   *
   * @param ws [N, num_ws, w_dim]
   * @return image [N, C, H, W]
   */
  Value synthesis(Graph g, Value ws);

  /**
   * The synthesis network as this machine's processor computes it fastest, the same but for rounding.
   *
   * @param weights of the synthesis network, by name
   * @return ws → image, for {@link dev.lethe.models.runtime.InferenceSession#openBlocked}; empty if the processor or
   *     the network's sizes do not allow it
   */
  Optional<ModelProto> synthesisForThisProcessor(Map<String, Tensor> weights);

  /**
   * Adds the discriminator to a graph.
   *
   * @param image [N, C, H, W]; N below or a multiple of {@link #discriminatorGroup}
   * @return logits [N, 1]: above 0 for what looks real
   */
  default Value logits(Graph g, Value image, @Nullable Value label) {
    return head(g, stem(g, image), label);
  }

  /**
   * The part of the discriminator that sees images one by one.
   *
   * @param image [N, C, H, W]
   * @return activations, of the shape {@link #stemShape}
   */
  Value stem(Graph g, Value image);

  /** Shape of the {@link #stem}'s activations of n images. */
  long[] stemShape(long n);

  /**
   * The rest of the discriminator.
   *
   * @param activations from the {@link #stem}
   * @return logits [N, 1]
   */
  Value head(Graph g, Value activations, @Nullable Value label);

  /**
   * Images that the discriminator's head compares with one another: of N images those whose numbers are equal modulo
   * N / group. 0: all of a batch; 1: it compares none.
   */
  int discriminatorGroup();

  /** The next number of images that are whole groups of the discriminator. */
  default int wholeGroups(int images) {
    int group = discriminatorGroup();
    return group == 0 ? images : (images + group - 1) / group * group;
  }

  /** Features of images by the discriminator. */
  DiscriminatorFeatures discriminatorFeatures();

  /** The shape of every parameter of all networks, by name, in order of name. */
  Map<String, long[]> parameters();

  /** Whether a parameter is a weight of the synthesis network; its constant noise is none. */
  default boolean isSynthesis(String parameter) {
    return isSynthesisUpTo(parameter, resolution());
  }

  /** The same of a layer up to this resolution. */
  boolean isSynthesisUpTo(String parameter, int resolution);

  /** Whether a parameter is a weight of the discriminator. */
  boolean isDiscriminator(String parameter);

  /** Whether a parameter is a weight of the discriminator's {@link #head}. */
  boolean isDiscriminatorHead(String parameter);

  /**
   * The weight [features, classes] whose column c is all that the generator of a conditional model knows of class c.
   */
  String labelEmbedding();
}
