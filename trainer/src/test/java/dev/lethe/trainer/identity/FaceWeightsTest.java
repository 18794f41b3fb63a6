package dev.lethe.trainer.identity;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FaceWeightsTest {

  private static final String TENSORS = """
      [{"weights": [
        {"name": "a", "shape": [2], "dtype": "float32"},
        {"name": "b", "shape": [1, 3], "dtype": "float32",
         "quantization": {"dtype": "uint8", "scale": 0.5, "min": -1}}],
        "paths": ["face_recognition_model.bin"]}]
      """;

  @TempDir
  private Path directory;

  @Test
  void bytesStandForFloats() throws IOException {
    write(TENSORS, 11);
    FaceWeights weights = FaceWeights.read(directory);
    assertArrayEquals(new float[] {0.25f, -3}, weights.of("a", 2).data());
    assertArrayEquals(new float[] {-1, 126.5f, 0}, weights.of("b", 1, 3).data());
  }

  @Test
  void whatIsMissingIsNamed() throws IOException {
    IOException nothing = assertThrows(IOException.class, () -> FaceWeights.read(directory));
    assertEquals(directory.resolve(FaceWeights.MANIFEST) + ": there is no such file; trainer/scripts/fetch-identity "
        + "fetches it", nothing.getMessage());
    write(TENSORS, 10);
    assertEquals(directory.resolve("face_recognition_model.bin") + ": ends within tensor b",
        assertThrows(IOException.class, () -> FaceWeights.read(directory)).getMessage());
    write(TENSORS, 12);
    assertEquals(directory.resolve("face_recognition_model.bin") + ": has 1 bytes more than " + FaceWeights.MANIFEST
        + " says", assertThrows(IOException.class, () -> FaceWeights.read(directory)).getMessage());
  }

  @Test
  void shapesFromOutsideAllocateNothing() throws IOException {
    write(TENSORS.replace("[1, 3]", "[4611686018427387904, 4611686018427387904]"), 11);
    assertThrows(IOException.class, () -> FaceWeights.read(directory));
  }

  @Test
  void anotherNetworkIsRefused() throws IOException {
    write(TENSORS, 11);
    FaceWeights weights = FaceWeights.read(directory);
    assertEquals(directory.resolve(FaceWeights.MANIFEST) + ": tensor a is of shape [2]; it must be of [3]",
        assertThrows(IOException.class, () -> weights.of("a", 3)).getMessage());
    assertThrows(IOException.class, () -> FaceNetwork.read(directory, 64, 1));
  }

  private void write(String manifest, int bytes) throws IOException {
    ByteBuffer binary = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN).putFloat(0.25f).putFloat(-3)
        .put((byte) 0).put((byte) 255).put((byte) 2);
    Files.writeString(directory.resolve(FaceWeights.MANIFEST), manifest);
    Files.write(directory.resolve("face_recognition_model.bin"), Arrays.copyOf(binary.array(), bytes));
  }
}
