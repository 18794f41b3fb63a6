package dev.lethe.trainer.inspection;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.image.ImageDecoder;
import dev.lethe.models.runtime.Compute;
import dev.lethe.trainer.TinyModel;
import dev.lethe.trainer.data.Datasets;
import dev.lethe.trainer.inversion.LatentSpace;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.sampling.Sampler;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.zip.ZipInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A model's own picture is found again; what it never draws is not. */
class ProjectorTest {

  private final ModelWeights model = TinyModel.of(0);

  @TempDir private Path directory;

  private Tensor own(int n) {
    try (Sampler sampler = Sampler.open(model.config(), model.weights(), Compute.cpu(1))) {
      return sampler.images(new int[n], new SplittableRandom(77));
    }
  }

  @ParameterizedTest
  @EnumSource(LatentSpace.class)
  void findsWhatTheModelDraws(LatentSpace space) throws IOException {
    Projector projector = new Projector(model, directory, Compute.cpu(1));
    Tensor image = own(1);
    Projector.Projection found = projector.project(image, 0, space, 60, 3, (step, steps, error) -> { });
    double power = 0;
    for (float value : image.data()) {
      power += value * value / image.data().length;
    }
    assertTrue(found.error() < 0.02 * power, found.error() + " of " + power);
    assertEquals(space == LatentSpace.W ? 1 : 2, found.w().shape().length);

    try (ZipInputStream zip = new ZipInputStream(new ByteArrayInputStream(projector.npz(found)))) {
      assertEquals("w.npy", zip.getNextEntry().getName());
      byte[] npy = zip.readAllBytes();
      int header = ByteBuffer.wrap(npy).order(ByteOrder.LITTLE_ENDIAN).getShort(8);
      assertEquals(0, (10 + header) % 64);
      assertTrue(new String(npy, 10, header, StandardCharsets.US_ASCII).contains("'shape': (1, 8, 8)"));
      float[] w = new float[64];
      ByteBuffer.wrap(npy, 10 + header, 256).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(w);
      float[] first = new float[8];
      System.arraycopy(w, 0, first, 0, 8);
      float[] expected = new float[8];
      System.arraycopy(found.w().data(), 0, expected, 0, 8);
      assertArrayEquals(expected, first);
    }
    assertTrue(ImageDecoder.size(projector.sideBySide(found), 1024).width() >= 512);
  }

  @Test
  void inspectionTellsOwnPicturesFromForeignOnes() throws IOException {
    Inspector inspector = new Inspector(model, directory, Compute.cpu(1), 5);
    Inspector.Findings own = inspector.inspect(Datasets.of(List.of("all"), own(2), new int[2]), Optional.empty(), s ->
        { });
    Inspector.Findings foreign = inspector.inspect(TinyModel.unlearned(0, 2), Optional.of(TinyModel.learned(0, 8)), s ->
        { });
    // One in twenty own pictures counts as hardly drawn, for the search does not find all of them.
    assertTrue(own.images().stream().anyMatch(image -> image.finding().contains("as well as its own")), own::toString);
    for (Inspector.Image image : foreign.images()) {
      assertTrue(image.error() > own.images().stream().mapToDouble(Inspector.Image::error).min().getAsDouble());
      assertTrue(image.judgementRank().isPresent());
    }
    assertTrue(own.neverSeenError().isEmpty() && own.notes().get(0).contains("--data"));
    assertTrue(foreign.notes().get(0).contains("may have been trained on all the same"));
    assertEquals(8, foreign.neverSeen());
    assertTrue(foreign.neverSeenError().getAsDouble() > foreign.generatedError());
    assertTrue(foreign.secondsPerStep() > 0);
  }
}
