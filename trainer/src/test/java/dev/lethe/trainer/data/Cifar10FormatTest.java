package dev.lethe.trainer.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class Cifar10FormatTest {

  @TempDir
  private Path directory;

  @Test
  void readsAllFilesInOrder() throws IOException {
    Files.write(directory.resolve("data_batch_2.bin"), record(9, (byte) 0));
    byte[] two = Arrays.copyOf(record(3, (byte) 255), 2 * 3073);
    two[3073] = 6;
    two[3073 + 1 + 1024] = 10; // green of the first pixel
    Files.write(directory.resolve("data_batch_1.bin"), two);

    ImageDataset data = Datasets.open(directory, Split.TRAIN);
    assertEquals(3, data.size());
    assertEquals(3, data.channels());
    assertEquals(32, data.resolution());
    assertEquals(10, data.classes());
    assertArrayEquals(new int[] {3, 6, 9}, new int[] {data.label(0), data.label(1), data.label(2)});
    assertEquals("cat", data.labels().get(3));
    float[] images = data.images(0, 1).data();
    assertEquals(1, images[3071]);
    assertEquals(10 / 127.5f - 1, images[3072 + 1024]);
    assertEquals(-1, images[3072 + 1025]);
  }

  @Test
  void saysWhatIsWrong() throws IOException {
    Path file = directory.resolve("test_batch.bin");
    Files.write(file, record(10, (byte) 0));
    assertMessage(Split.TEST, file + ": record 0 has label 10; labels are 0 to 9");
    Files.write(file, new byte[3072]);
    assertMessage(Split.TEST, file + ": 3072 bytes are no whole number of records of 3073 bytes");
    Files.write(file, new byte[0]);
    assertMessage(Split.TEST, file + ": 0 bytes are no whole number of records of 3073 bytes");
    assertMessage(Split.TRAIN, directory + ": no train split: there is no data_batch_1.bin");
  }

  private void assertMessage(Split split, String expected) {
    assertEquals(expected, assertThrows(DatasetException.class, () -> Datasets.open(directory, split)).getMessage());
  }

  @Test
  void aPathWithoutADataSetIsRefused() {
    assertTrue(assertThrows(DatasetException.class, () -> Datasets.open(directory, Split.TRAIN)).getMessage()
        .contains("no data set found: neither IDX files"));
    assertTrue(assertThrows(DatasetException.class, () -> Datasets.open(directory.resolve("x"), Split.TRAIN))
        .getMessage().endsWith("there is no such file or directory"));
  }

  private static byte[] record(int label, byte value) {
    byte[] record = new byte[3073];
    Arrays.fill(record, value);
    record[0] = (byte) label;
    return record;
  }
}
