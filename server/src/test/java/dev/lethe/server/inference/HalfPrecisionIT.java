package dev.lethe.server.inference;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.bundle.Bundle;
import dev.lethe.server.ServerFixture;
import dev.lethe.server.TinyBundles;
import dev.lethe.v1.GenerateRequest;
import dev.lethe.v1.ImageFormat;
import dev.lethe.v1.Seeds;
import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Serving in half precision, on the CPU. */
class HalfPrecisionIT {

  private static final GenerateRequest REQUEST = GenerateRequest.newBuilder().setModel("tiny").setLabel("seven")
      .setSeeds(Seeds.newBuilder().addAllValues(List.of(1, 2, 3))).setFormat(ImageFormat.IMAGE_FORMAT_RAW).build();

  @TempDir
  Path root;
  private Bundle bundle;

  @BeforeEach
  void makeModel() throws IOException {
    bundle = TinyBundles.conditional(root.resolve("models"), "v1", 1);
  }

  @Test
  void imagesAreThoseOfFloatsButForRounding() throws IOException {
    float[] exact = pixels("fp32");
    float[] half = pixels("fp16");
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < exact.length; i++) {
      difference += Math.pow(half[i] - exact[i], 2);
      norm += Math.pow(exact[i], 2);
    }
    double error = Math.sqrt(difference / norm);
    assertTrue(error > 1e-6 && error < 5e-3, "relative error " + error);
  }

  private float[] pixels(String precision) throws IOException {
    try (ServerFixture server = ServerFixture.start(root, Map.of("precision", precision))) {
      List<Float> values = new ArrayList<>();
      server.generation().generate(REQUEST).getImagesList().forEach(image -> {
        FloatBuffer floats = image.getImage().getData().asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN)
            .asFloatBuffer();
        while (floats.hasRemaining()) {
          values.add(floats.get());
        }
      });
      float[] pixels = new float[values.size()];
      for (int i = 0; i < pixels.length; i++) {
        pixels[i] = values.get(i);
      }
      assertEquals(3 * 32 * 32, pixels.length);
      return pixels;
    }
  }

  @Test
  void aModelThatCannotBeRebuiltIsRefused() throws IOException {
    Path card = bundle.directory().resolve(Bundle.CARD);
    Files.writeString(card, Files.readString(card).replace("\"stylegan2\"", "\"somebody's own\""));
    assertEquals("bundle " + bundle.directory() + " cannot be served in fp16, only in fp32 (precision): the"
        + " architecture is somebody's own; this Lethe knows [stylegan2]",
        assertThrows(IOException.class, () -> ServerFixture.start(root, Map.of("precision", "fp16"))).getMessage());
    ServerFixture.start(root, Map.of("precision", "fp32")).close();
  }
}
