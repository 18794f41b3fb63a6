package dev.lethe.server.openinference;

import dev.lethe.models.bundle.ModelCard;
import dev.lethe.server.security.Latents;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * The tensors of a version: what requests may hold and ask for.
 *
 * @param inputs in the order in which clients are told of them
 * @param outputs the same
 */
record Signature(List<Tensor> inputs, List<Tensor> outputs) {

  static final String SEED = "seed";
  static final String Z = "z";
  static final String WS = "ws";
  static final String PSI = "psi";
  static final String LABEL = "label";

  /**
   * A tensor of all images of a request.
   *
   * @param dims of one image; the tensor's shape has the number of images before them
   */
  record Tensor(String name, Datatype datatype, List<Long> dims) {

    /** A number of images that is left open. */
    static final long ANY = -1;

    Tensor(String name, Datatype datatype, long... dims) {
      this(name, datatype, Arrays.stream(dims).boxed().toList());
    }

    /** @param images {@link #ANY} where it is not said how many */
    List<Long> shape(long images) {
      List<Long> shape = new ArrayList<>(List.of(images));
      shape.addAll(dims);
      return shape;
    }
  }

  /** What a request can ask for. */
  enum Output {
    /** Values of about -1 to 1. */
    IMAGE,
    /** A PNG file. */
    PNG;

    String tensorName() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** @param open what a client may send: it is told of nothing else */
  static Signature of(ModelCard card, Latents open) {
    ModelCard.Network network = card.network();
    List<Tensor> inputs = new ArrayList<>(List.of(
        new Tensor(SEED, Datatype.INT64, 1),
        new Tensor(Z, Datatype.FP32, network.zDim())));
    if (open.has(Latents.W)) {
      inputs.add(new Tensor(WS, Datatype.FP32, network.numWs(), network.wDim()));
    }
    inputs.add(new Tensor(PSI, Datatype.FP32, 1));
    if (card.conditional()) {
      inputs.add(new Tensor(LABEL, Datatype.BYTES, 1));
    }
    return new Signature(List.copyOf(inputs), List.of(
        output(Output.IMAGE, network),
        output(Output.PNG, network)));
  }

  static Tensor output(Output output, ModelCard.Network network) {
    return switch (output) {
      case IMAGE -> new Tensor(output.tensorName(), Datatype.FP32, network.channels(), network.resolution(),
          network.resolution());
      case PNG -> new Tensor(output.tensorName(), Datatype.BYTES, 1);
    };
  }
}
