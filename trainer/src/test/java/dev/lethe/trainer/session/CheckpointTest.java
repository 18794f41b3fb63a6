package dev.lethe.trainer.session;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointTest {

  @TempDir Path temp;

  @Test
  void whatIsWrittenIsRead() throws IOException {
    Checkpoint written = new Checkpoint(
        List.of(
            new Parameter("conv.weight", new long[] {2, 1, 3}, new float[] {1, -2, 3.5f, 0, 1e-45f, 1e30f}, true),
            new Parameter("scale", new long[0], new float[] {7}, true),
            new Parameter("fixed", new long[] {2}, new float[] {8, 9}, false)),
        Optional.of(new Checkpoint.OptimizerState(41, Map.of(
            "conv.weight", new Checkpoint.Moments(new float[] {1, 2, 3, 4, 5, 6}, new float[] {6, 5, 4, 3, 2, 1}),
            "scale", new Checkpoint.Moments(new float[] {.5f}, new float[] {.25f})))),
        Map.of("learning_rate", 0.002f, "kimg", 12f));
    Path file = temp.resolve("checkpoint");
    written.write(file);
    Checkpoint read = Checkpoint.read(file);
    assertEquals(3, read.parameters().size());
    for (int i = 0; i < 3; i++) {
      Parameter expected = written.parameters().get(i);
      Parameter actual = read.parameters().get(i);
      assertEquals(expected.name(), actual.name());
      assertEquals(expected.trainable(), actual.trainable());
      assertArrayEquals(expected.shape(), actual.shape());
      assertArrayEquals(expected.values(), actual.values());
    }
    assertEquals(written.numbers(), read.numbers());
    Checkpoint.OptimizerState state = read.optimizer().orElseThrow();
    assertEquals(41, state.step());
    assertArrayEquals(new float[] {6, 5, 4, 3, 2, 1}, state.moments().get("conv.weight").second());
    assertArrayEquals(new float[] {.5f}, state.moments().get("scale").first());
  }

  @Test
  void aShorterCheckpointReplacesALongerOne() throws IOException {
    Path file = temp.resolve("checkpoint");
    of(new float[1000]).write(file);
    long longer = Files.size(file);
    of(new float[] {3}).write(file);
    assertTrue(Files.size(file) < longer);
    assertArrayEquals(new float[] {3}, Checkpoint.read(file).values().get("p"));
  }

  @Test
  void otherFilesAreRefused() throws IOException {
    Path text = Files.writeString(temp.resolve("text"), "this is not a checkpoint");
    assertTrue(assertThrows(IOException.class, () -> Checkpoint.read(text)).getMessage().contains("no training"));
    Path empty = Files.createFile(temp.resolve("empty"));
    assertTrue(assertThrows(IOException.class, () -> Checkpoint.read(empty)).getMessage().contains("no training"));
  }

  @Test
  void aCutOffFileIsRefused() throws IOException {
    Path file = temp.resolve("checkpoint");
    of(new float[1000]).write(file);
    byte[] bytes = Files.readAllBytes(file);
    Path cut = Files.write(temp.resolve("cut"), Arrays.copyOf(bytes, bytes.length / 2));
    IOException e = assertThrows(IOException.class, () -> Checkpoint.read(cut));
    assertTrue(e.getMessage().contains("cut cannot be read"), e.getMessage());
  }

  @Test
  void valuesMustFillTheShape() {
    IllegalArgumentException e = assertThrows(IllegalArgumentException.class,
        () -> new Parameter("p", new long[] {2, 3}, new float[5], true));
    assertEquals("Parameter p has 5 values, but its shape [2, 3] holds 6.", e.getMessage());
  }

  private static Checkpoint of(float[] values) {
    return new Checkpoint(
        List.of(new Parameter("p", new long[] {values.length}, values, true)), Optional.empty(), Map.of());
  }
}
