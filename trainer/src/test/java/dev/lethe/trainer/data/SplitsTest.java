package dev.lethe.trainer.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SplitsTest {

  @TempDir
  private Path directory;

  @Test
  void anIdxDataSetMayLackItsTestSplit() throws IOException {
    Files.write(directory.resolve("train-images-idx3-ubyte"), idx(1));
    assertOnlyTrain();

    Path test = directory.resolve("t10k-images-idx3-ubyte");
    Files.write(test, idx(2));
    assertEquals(2, Datasets.find(directory, Split.TEST).orElseThrow().size());
    Files.write(test, new byte[] {0, 0, 8, 3});
    assertThrows(DatasetException.class, () -> Datasets.find(directory, Split.TEST), "damaged is not missing");
  }

  @Test
  void aCifarDataSetMayLackItsTestSplit() throws IOException {
    Files.write(directory.resolve("data_batch_1.bin"), new byte[3073]);
    assertOnlyTrain();
  }

  @Test
  void aFolderMayLackItsTestSplit() throws IOException {
    ImageIO.write(new BufferedImage(32, 32, BufferedImage.TYPE_BYTE_GRAY), "png", directory.resolve("0.png").toFile());
    assertOnlyTrain();
  }

  @Test
  void aPathWithoutDataIsAnError() {
    assertThrows(DatasetException.class, () -> Datasets.find(directory, Split.TEST));
  }

  private void assertOnlyTrain() throws IOException {
    assertEquals(1, Datasets.find(directory, Split.TRAIN).orElseThrow().size());
    assertTrue(Datasets.find(directory, Split.TEST).isEmpty());
    assertThrows(MissingSplitException.class, () -> Datasets.open(directory, Split.TEST));
  }

  private static byte[] idx(int images) {
    return ByteBuffer.allocate(16 + images * 32 * 32).putInt(0x0803).putInt(images).putInt(32).putInt(32).array();
  }
}
