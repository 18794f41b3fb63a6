package dev.lethe.server.openinference;

import dev.lethe.inference.InferParameter;
import dev.lethe.inference.ModelInferRequest;
import dev.lethe.inference.ModelInferRequest.InferRequestedOutputTensor;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.latent.NumpyRandom;
import dev.lethe.server.errors.DomainException;
import dev.lethe.server.errors.DomainException.Invalid;
import dev.lethe.server.inference.Latent;
import dev.lethe.server.openinference.Signature.Output;
import dev.lethe.server.openinference.Signature.Tensor;
import dev.lethe.server.registry.ClassLabels;
import dev.lethe.server.security.Latents;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import java.util.function.IntUnaryOperator;

/** Checks requests to infer against the version that they are for. */
final class InferRequests {

  /** A parameter of requests, by the name that Triton's HTTP clients know. */
  private static final String BINARY_OUTPUT = "binary_data_output";
  private static final String CLASSIFICATION = "classification";

  private final ModelCard card;
  private final int mostImages;
  private final Latents open;
  private final Map<String, InputTensor> inputs;

  private record Images(int count, IntFunction<Latent> latents) {}

  private InferRequests(ModelCard card, int mostImages, Latents open, Map<String, InputTensor> inputs) {
    this.card = card;
    this.mostImages = mostImages;
    this.open = open;
    this.inputs = inputs;
  }

  /**
   * @param mostImages that a request may be of
   * @param open what the client may send
   * @throws DomainException Invalid, Precondition for a class that was unlearned, or
   *     PermissionDenied for latents that are closed to the client
   */
  static InferPlan check(ModelInferRequest request, ModelCard card, int mostImages, Latents open) {
    Signature signature = Signature.of(card, open);
    Map<String, InputTensor> inputs = InputTensor.of(request);
    List<String> known = signature.inputs().stream().map(Tensor::name).toList();
    inputs.forEach((name, input) -> {
      // Who sends what is closed is told that it is closed, further on.
      if (!known.contains(name) && !name.equals(Signature.WS)) {
        throw input.wrong("model " + card.name() + " has no such input; its inputs are " + known);
      }
    });
    List<Output> outputs = outputs(request, card, signature);
    Images images = new InferRequests(card, mostImages, open, inputs).images();
    return new InferPlan(images.count(), images.latents(), outputs, raw(request));
  }

  private static List<Output> outputs(ModelInferRequest request, ModelCard card, Signature signature) {
    List<Output> outputs = new ArrayList<>();
    for (InferRequestedOutputTensor asked : request.getOutputsList()) {
      String name = "output \"" + ClassLabels.abbreviate(asked.getName()) + "\"";
      Output output = Arrays.stream(Output.values()).filter(known -> known.tensorName().equals(asked.getName()))
          .findAny().orElseThrow(() -> new Invalid(name + ": model " + card.name() + " has no such output; its"
              + " outputs are " + signature.outputs().stream().map(Tensor::name).toList()));
      InputTensor.refuseSharedMemory("output", asked.getName(), asked.getParametersMap());
      if (asked.containsParameters(CLASSIFICATION)) {
        throw new Invalid(name + ": does not tell classes; leave out the parameter " + CLASSIFICATION);
      }
      if (outputs.contains(output)) {
        throw new Invalid(name + ": is asked for twice");
      }
      outputs.add(output);
    }
    return outputs.isEmpty() ? List.of(Output.IMAGE) : outputs;
  }

  private static boolean raw(ModelInferRequest request) {
    InferParameter binary = request.getParametersMap().get(BINARY_OUTPUT);
    if (binary == null) {
      return true;
    }
    if (!binary.hasBoolParam()) {
      throw new Invalid("parameter \"" + BINARY_OUTPUT + "\": must be a bool_param");
    }
    return binary.getBoolParam();
  }

  private Images images() {
    List<String> sources = List.of(Signature.SEED, Signature.Z, Signature.WS).stream().filter(inputs::containsKey)
        .toList();
    if (sources.size() != 1) {
      throw new Invalid("inputs: give exactly one of seed, z and ws; " + (sources.isEmpty() ? "none is given"
          : String.join(" and ", sources) + " are given"));
    }
    InputTensor source = inputs.get(sources.get(0));
    return switch (sources.get(0)) {
      case Signature.SEED -> fromSeeds(source);
      case Signature.Z -> fromZ(source);
      default -> fromWs(source);
    };
  }

  private Images fromSeeds(InputTensor input) {
    input.datatype(Datatype.INT64);
    List<Long> shape = input.shape();
    if (shape.isEmpty() || shape.size() > 2 || !isCount(shape.get(0)) || shape.size() == 2 && shape.get(1) != 1) {
      throw input.wrongShape("[n] or [n, 1], n from 1 to " + mostImages);
    }
    int count = Math.toIntExact(shape.get(0));
    long[] seeds = input.longs(count);
    for (int i = 0; i < count; i++) {
      if (seeds[i] < 0 || seeds[i] > NumpyRandom.MAX_SEED) {
        throw input.wrong("value " + i + " is " + seeds[i] + "; it must be from 0 to " + NumpyRandom.MAX_SEED);
      }
    }
    return mapped(count, i -> NumpyRandom.normal(seeds[i], card.network().zDim()));
  }

  private Images fromZ(InputTensor input) {
    int zDim = card.network().zDim();
    int count = count(input, zDim);
    float[][] z = input.floats(count, zDim);
    return mapped(count, i -> z[i]);
  }

  private Images fromWs(InputTensor input) {
    for (String name : List.of(Signature.PSI, Signature.LABEL)) {
      if (inputs.containsKey(name)) {
        throw inputs.get(name).wrong("does not apply to images made from ws");
      }
    }
    int numWs = card.network().numWs();
    int wDim = card.network().wDim();
    int count = count(input, numWs, wDim);
    float[][] ws = input.floats(count, numWs * wDim);
    for (int i = 0; i < count; i++) {
      open.admit(Latents.of(ws[i], wDim), "input \"" + Signature.WS + "\": image " + i, card.name());
    }
    return new Images(count, i -> new Latent.W(ws[i]));
  }

  private Images mapped(int count, IntFunction<float[]> z) {
    float[] psi = psi(count);
    IntUnaryOperator classes = classes(count);
    return new Images(count, i -> new Latent.Z(z.apply(i), classes.applyAsInt(i), psi[psi.length == 1 ? 0 : i]));
  }

  private boolean isCount(long given) {
    return given >= 1 && given <= mostImages;
  }

  /** The number of images of an FP32 tensor [n, dims]. */
  private int count(InputTensor input, long... dims) {
    input.datatype(Datatype.FP32);
    List<Long> shape = input.shape();
    List<Long> expected = Arrays.stream(dims).boxed().toList();
    if (shape.isEmpty() || !isCount(shape.get(0)) || !shape.subList(1, shape.size()).equals(expected)) {
      throw input.wrongShape("[n, " + expected.toString().substring(1) + ", n from 1 to " + mostImages);
    }
    return Math.toIntExact(shape.get(0));
  }

  /** The number of values of a tensor of one value for all images, or one for each. */
  private static int perImage(InputTensor input, int count) {
    List<Long> shape = input.shape();
    boolean fits = !shape.isEmpty() && shape.size() <= 2 && (shape.get(0) == 1 || shape.get(0) == count)
        && (shape.size() == 1 || shape.get(1) == 1);
    if (!fits) {
      throw input.wrongShape(count == 1 ? "[1] or [1, 1]" : "[1], [" + count + "] or [" + count + ", 1]");
    }
    return Math.toIntExact(shape.get(0));
  }

  /** One for all images, or one for each. */
  private float[] psi(int count) {
    InputTensor input = inputs.get(Signature.PSI);
    if (input == null) {
      return new float[] {1};
    }
    input.datatype(Datatype.FP32);
    int given = perImage(input, count);
    float[] psi = new float[given];
    float[][] rows = input.floats(given, 1);
    for (int i = 0; i < given; i++) {
      psi[i] = rows[i][0];
      if (!(psi[i] >= 0 && psi[i] <= Latent.LARGEST_PSI)) {
        throw input.wrong("value " + i + " is " + psi[i] + "; it must be from 0 to " + Latent.LARGEST_PSI);
      }
    }
    return psi;
  }

  private IntUnaryOperator classes(int count) {
    if (!card.conditional()) {
      return i -> 0;
    }
    InputTensor input = inputs.get(Signature.LABEL);
    if (input == null) {
      List<Integer> kept = ClassLabels.kept(card);
      return i -> kept.get(i % kept.size());
    }
    int given = perImage(input, count);
    String field = "input \"" + Signature.LABEL + "\"";
    int[] classes = switch (input.datatype(Datatype.BYTES, Datatype.INT64)) {
      case INT64 -> Arrays.stream(input.longs(given)).mapToInt(index -> ClassLabels.index(card, index, field))
          .toArray();
      default -> input.texts(given).stream().mapToInt(text -> ClassLabels.index(card, text, field)).toArray();
    };
    return i -> classes[given == 1 ? 0 : i];
  }
}
