package dev.lethe.server.openinference;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.lethe.inference.InferTensorContents;
import dev.lethe.inference.ModelInferRequest;
import dev.lethe.inference.ModelInferRequest.InferInputTensor;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.server.TinyBundles;
import dev.lethe.server.errors.DomainException;
import dev.lethe.server.errors.DomainException.Invalid;
import dev.lethe.server.errors.DomainException.PermissionDenied;
import dev.lethe.server.openinference.Signature.Tensor;
import dev.lethe.server.security.Latents;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What requests may be made from, by what is open to the client. */
class InferRequestsTest {

  private static final ModelCard CARD = TinyBundles.card("tiny", "v1", null, TinyBundles.CONDITIONAL, Map.of());
  private static final long NUM_WS = CARD.network().numWs();
  private static final long W_DIM = CARD.network().wDim();

  private static ModelInferRequest request(String name, InferTensorContents contents, String type, long... shape) {
    InferInputTensor.Builder input = InferInputTensor.newBuilder().setName(name).setDatatype(type)
        .setContents(contents);
    for (long size : shape) {
      input.addShape(size);
    }
    return ModelInferRequest.newBuilder().addInputs(input).build();
  }

  /** Two images of the same w in all layers; of {@code different}, the second image's last number is another. */
  private static ModelInferRequest ws(boolean different) {
    int values = (int) (2 * NUM_WS * W_DIM);
    InferTensorContents.Builder contents = InferTensorContents.newBuilder()
        .addAllFp32Contents(Collections.nCopies(values, 0.5f));
    if (different) {
      contents.setFp32Contents(values - 1, 0.25f);
    }
    return request("ws", contents.build(), "FP32", 2, NUM_WS, W_DIM);
  }

  private static InferPlan check(ModelInferRequest request, Latents open) {
    return InferRequests.check(request, CARD, 8, open);
  }

  private static void refused(Class<? extends DomainException> kind, String message, ModelInferRequest request,
      Latents open) {
    assertEquals(message, assertThrows(kind, () -> check(request, open)).getMessage());
  }

  @Test
  void seedsAndZAreOpenToAll() {
    for (Latents open : Latents.values()) {
      assertEquals(1, check(request("seed", InferTensorContents.newBuilder().addInt64Contents(1).build(), "INT64", 1),
          open).count());
      int zDim = CARD.network().zDim();
      assertEquals(1, check(request("z", InferTensorContents.newBuilder()
          .addAllFp32Contents(Collections.nCopies(zDim, 0.5f)).build(), "FP32", 1, zDim), open).count());
    }
  }

  @Test
  void rowsOfAnImageThatAreAllEqualAreOneW() {
    assertEquals(2, check(ws(false), Latents.W).count());
    assertEquals(2, check(ws(false), Latents.W_PLUS).count());
    refused(PermissionDenied.class,
        "input \"ws\": image 0: is one w for all layers, which the setting latents of model"
        + " tiny closes; send seeds or z, or call with the role latents", ws(false), Latents.Z);
  }

  @Test
  void aWForEachLayerIsOpenWithWPlusAlone() {
    assertEquals(2, check(ws(true), Latents.W_PLUS).count());
    refused(PermissionDenied.class,
        "input \"ws\": image 1: is a w for each layer, which the setting latents of model"
        + " tiny closes; send seeds, z or one w for all layers, or call with the role latents", ws(true), Latents.W);
  }

  @Test
  void wsAreOfferedToThoseWhoMaySendAny() {
    assertEquals(List.of("seed", "z", "psi", "label"), inputs(Latents.Z));
    assertEquals(List.of("seed", "z", "ws", "psi", "label"), inputs(Latents.W));
    assertEquals(List.of("seed", "z", "ws", "psi", "label"), inputs(Latents.W_PLUS));
    refused(Invalid.class, "input \"w\": model tiny has no such input; its inputs are [seed, z, psi, label]",
        request("w", InferTensorContents.getDefaultInstance(), "FP32", 1), Latents.Z);
  }

  private static List<String> inputs(Latents open) {
    return Signature.of(CARD, open).inputs().stream().map(Tensor::name).toList();
  }
}
