package dev.lethe.server.generation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.lethe.models.bundle.ModelCard;
import dev.lethe.server.TinyBundles;
import dev.lethe.server.errors.DomainException;
import dev.lethe.server.errors.DomainException.Invalid;
import dev.lethe.server.errors.DomainException.PermissionDenied;
import dev.lethe.server.inference.Latent;
import dev.lethe.server.security.Latents;
import dev.lethe.v1.GenerateRequest;
import dev.lethe.v1.Seeds;
import dev.lethe.v1.Vector;
import dev.lethe.v1.Vectors;
import java.util.Arrays;
import java.util.Collections;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What requests may be made from, by what is open to the client. */
class GenerationRequestsTest {

  private static final ModelCard CARD = TinyBundles.card("tiny", "v1", null, TinyBundles.UNCONDITIONAL, Map.of());
  private static final int W_DIM = CARD.network().wDim();
  private static final int ALL = CARD.network().numWs() * W_DIM;

  private static final GenerateRequest SEED =
      GenerateRequest.newBuilder().setSeeds(Seeds.newBuilder().addValues(1)).build();
  private static final GenerateRequest Z = GenerateRequest.newBuilder()
      .setZ(Vectors.newBuilder().addValues(same(CARD.network().zDim()))).build();

  private static Vector same(int length) {
    return Vector.newBuilder().addAllValues(Collections.nCopies(length, 0.5f)).build();
  }

  /** The same for every layer but the last, of which one number is another. */
  private static Vector different() {
    return same(ALL).toBuilder().setValues(ALL - 1, 0.25f).build();
  }

  private static GenerateRequest w(Vector... ws) {
    return GenerateRequest.newBuilder().setW(Vectors.newBuilder().addAllValues(Arrays.asList(ws))).build();
  }

  private static GenerationPlan check(GenerateRequest request, Latents open) {
    return GenerationRequests.check(request, CARD, 8, open);
  }

  private static void refused(Class<? extends DomainException> kind, String message, GenerateRequest request,
      Latents open) {
    assertEquals(message, assertThrows(kind, () -> check(request, open)).getMessage());
  }

  @Test
  void seedsAndZAreOpenToAll() {
    for (Latents open : Latents.values()) {
      assertEquals(1, check(SEED, open).count());
      assertEquals(1, check(Z, open).count());
      assertEquals(1, check(GenerateRequest.getDefaultInstance(), open).count());
    }
  }

  @Test
  void oneWForAllLayersIsOpenFromWOn() {
    for (Latents open : new Latents[] {Latents.W, Latents.W_PLUS}) {
      GenerationPlan plan = check(w(same(W_DIM), same(ALL)), open);
      float[] once = ((Latent.W) plan.items().apply(0).latent()).ws();
      assertArrayEquals(once, ((Latent.W) plan.items().apply(1).latent()).ws());
      assertEquals(ALL, once.length);
    }
    String rest = ", which the setting latents of model tiny closes; send seeds or z, or call with the role"
        + " latents";
    refused(PermissionDenied.class, "w.values[0]: is one w for all layers" + rest, w(same(W_DIM)), Latents.Z);
    refused(PermissionDenied.class, "w.values[0]: is one w for all layers" + rest, w(same(ALL)), Latents.Z);
    refused(PermissionDenied.class, "w.values[0]: is a w for each layer" + rest, w(different()), Latents.Z);
  }

  @Test
  void aWForEachLayerIsOpenWithWPlusAlone() {
    assertEquals(2, check(w(same(W_DIM), different()), Latents.W_PLUS).count());
    refused(PermissionDenied.class, "w.values[1]: is a w for each layer, which the setting latents of model tiny"
        + " closes; send seeds, z or one w for all layers, or call with the role latents", w(same(W_DIM), different()),
        Latents.W);
  }

  @Test
  void aRequestThatIsWrongIsToldSoFirst() {
    refused(Invalid.class, "w.values[0]: has 3 values; it must have " + W_DIM + " (w_dim) or " + ALL
        + " (num_ws * w_dim)", w(same(3)), Latents.Z);
  }
}
