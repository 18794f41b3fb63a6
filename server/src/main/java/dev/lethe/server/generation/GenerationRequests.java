package dev.lethe.server.generation;

import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.latent.NumpyRandom;
import dev.lethe.server.errors.DomainException;
import dev.lethe.server.errors.DomainException.Invalid;
import dev.lethe.server.generation.GenerationPlan.Item;
import dev.lethe.server.inference.Latent;
import dev.lethe.server.inference.Noise;
import dev.lethe.server.registry.ClassLabels;
import dev.lethe.server.security.Latents;
import dev.lethe.v1.GenerateRequest;
import dev.lethe.v1.GenerateRequest.LatentsCase;
import dev.lethe.v1.ImageFormat;
import dev.lethe.v1.Vector;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.IntFunction;
import java.util.function.IntToLongFunction;
import java.util.function.IntUnaryOperator;

/** Checks requests to generate against the model that they are for. Every error names the field and the limit. */
final class GenerationRequests {

  private static final long SEEDS = NumpyRandom.MAX_SEED + 1;

  private final ModelCard card;
  private final GenerateRequest request;
  private final Latents open;

  private GenerationRequests(ModelCard card, GenerateRequest request, Latents open) {
    this.card = card;
    this.request = request;
    this.open = open;
  }

  /**
   * @param largestCount most images that one call may ask for
   * @param open what the client may send
   * @throws DomainException Invalid or Precondition; PermissionDenied for latents that are
   *     closed to it
   */
  static GenerationPlan check(GenerateRequest request, ModelCard card, int largestCount, Latents open) {
    return new GenerationRequests(card, request, open).plan(largestCount);
  }

  private GenerationPlan plan(int largestCount) {
    int count = count(largestCount);
    IntFunction<Item> items = request.getLatentsCase() == LatentsCase.W ? fromW() : fromZ(count);
    if (request.getIncludeW()) {
      open.admit(Latents.W, "include_w", card.name());
    }
    return new GenerationPlan(count, format(), noise(), request.getIncludeW(), items);
  }

  private int count(int largest) {
    int given = switch (request.getLatentsCase()) {
      case SEEDS -> given("seeds.values", request.getSeeds().getValuesCount());
      case Z -> given("z.values", request.getZ().getValuesCount());
      case W -> given("w.values", request.getW().getValuesCount());
      case LATENTS_NOT_SET -> 1;
    };
    int count = request.hasCount() ? request.getCount() : given;
    if (count < 1 || count > largest) {
      throw invalid("count: is " + count + "; it must be from 1 to " + largest + " in one call of this method");
    }
    boolean fixed = switch (request.getLatentsCase()) {
      case SEEDS -> given > 1;
      case Z, W -> true;
      case LATENTS_NOT_SET -> false;
    };
    if (fixed && count != given) {
      throw invalid("count: is " + count + ", and " + given + " latents are given; leave it out, or let it be their"
          + " number" + (request.hasSeeds() ? ", or give one seed to start from" : ""));
    }
    return count;
  }

  private static int given(String field, int number) {
    if (number == 0) {
      throw invalid(field + ": is empty; give at least one");
    }
    return number;
  }

  private IntFunction<Item> fromW() {
    if (!request.getLabel().isEmpty()) {
      throw invalid("label: does not apply to images made from w");
    }
    if (request.hasPsi()) {
      throw invalid("psi: does not apply to images made from w");
    }
    int wDim = card.network().wDim();
    int all = card.network().numWs() * wDim;
    List<Vector> ws = request.getW().getValuesList();
    for (int i = 0; i < ws.size(); i++) {
      int length = ws.get(i).getValuesCount();
      if (length != wDim && length != all) {
        throw invalid("w.values[" + i + "]: has " + length + " values; it must have " + wDim + " (w_dim) or " + all
            + " (num_ws * w_dim)");
      }
      finite("w.values[" + i + "]", ws.get(i));
      open.admit(Latents.of(floats(ws.get(i)), wDim), "w.values[" + i + "]", card.name());
    }
    return index -> {
      float[] w = floats(ws.get(index));
      float[] repeated = new float[all];
      for (int at = 0; at < all; at += w.length) {
        System.arraycopy(w, 0, repeated, at, w.length);
      }
      return new Item(new Latent.W(repeated), OptionalLong.empty(), null);
    };
  }

  private IntFunction<Item> fromZ(int count) {
    float psi = psi();
    IntUnaryOperator classes = classes();
    if (request.hasZ()) {
      List<Vector> zs = request.getZ().getValuesList();
      for (int i = 0; i < zs.size(); i++) {
        if (zs.get(i).getValuesCount() != card.network().zDim()) {
          throw invalid("z.values[" + i + "]: has " + zs.get(i).getValuesCount() + " values; it must have "
              + card.network().zDim() + " (z_dim)");
        }
        finite("z.values[" + i + "]", zs.get(i));
      }
      return index -> item(floats(zs.get(index)), OptionalLong.empty(), classes.applyAsInt(index), psi);
    }
    IntToLongFunction seeds = seeds(count);
    return index -> {
      long seed = seeds.applyAsLong(index);
      float[] z = NumpyRandom.normal(seed, card.network().zDim());
      return item(z, OptionalLong.of(seed), classes.applyAsInt(index), psi);
    };
  }

  private Item item(float[] z, OptionalLong seed, int classIndex, float psi) {
    return new Item(new Latent.Z(z, classIndex, psi), seed, card.conditional() ? card.labels().get(classIndex) : null);
  }

  private IntToLongFunction seeds(int count) {
    if (!request.hasSeeds()) {
      long first = ThreadLocalRandom.current().nextLong(SEEDS);
      return index -> (first + index) % SEEDS;
    }
    List<Integer> values = request.getSeeds().getValuesList();
    if (values.size() > 1) {
      return index -> Integer.toUnsignedLong(values.get(index));
    }
    long first = Integer.toUnsignedLong(values.get(0));
    if (first + count > SEEDS) {
      throw invalid("seeds.values[0]: " + count + " seeds from " + first + " on pass the limit of " + (SEEDS - 1));
    }
    return index -> first + index;
  }

  private float psi() {
    float psi = request.hasPsi() ? request.getPsi() : 1;
    if (!(psi >= 0 && psi <= Latent.LARGEST_PSI)) {
      throw invalid("psi: is " + psi + "; it must be from 0 to " + Latent.LARGEST_PSI);
    }
    return psi;
  }

  private IntUnaryOperator classes() {
    if (!card.conditional()) {
      if (!request.getLabel().isEmpty()) {
        throw invalid("label: model " + card.name() + " has no classes; leave it empty");
      }
      return index -> 0;
    }
    if (!request.getLabel().isEmpty()) {
      int index = ClassLabels.index(card, request.getLabel(), "label");
      return any -> index;
    }
    List<Integer> kept = ClassLabels.kept(card);
    return index -> kept.get(index % kept.size());
  }

  private ImageFormat format() {
    return switch (request.getFormat()) {
      case IMAGE_FORMAT_UNSPECIFIED, IMAGE_FORMAT_PNG -> ImageFormat.IMAGE_FORMAT_PNG;
      case IMAGE_FORMAT_JPEG -> ImageFormat.IMAGE_FORMAT_JPEG;
      case IMAGE_FORMAT_RAW -> ImageFormat.IMAGE_FORMAT_RAW;
      case UNRECOGNIZED -> throw invalid("format: " + request.getFormatValue()
          + " is not known; use PNG (1), JPEG (2) or RAW (3)");
    };
  }

  private Noise noise() {
    return switch (request.getNoiseMode()) {
      case NOISE_MODE_UNSPECIFIED, NOISE_MODE_CONST -> Noise.CONST;
      case NOISE_MODE_NONE -> Noise.NONE;
      case NOISE_MODE_RANDOM -> Noise.RANDOM;
      case UNRECOGNIZED -> throw invalid("noise_mode: " + request.getNoiseModeValue()
          + " is not known; use CONST (1), NONE (2) or RANDOM (3)");
    };
  }

  private static void finite(String field, Vector vector) {
    for (int i = 0; i < vector.getValuesCount(); i++) {
      if (!Float.isFinite(vector.getValues(i))) {
        throw invalid(field + ".values[" + i + "]: is " + vector.getValues(i) + "; it must be finite");
      }
    }
  }

  private static float[] floats(Vector vector) {
    float[] values = new float[vector.getValuesCount()];
    for (int i = 0; i < values.length; i++) {
      values[i] = vector.getValues(i);
    }
    return values;
  }

  static DomainException invalid(String description) {
    return new Invalid(description);
  }
}
