package dev.lethe.trainer.adversarial;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunRecordTest {

  @TempDir private Path directory;

  @Test
  void remembersMachinesInTheOrderOfTheirUseAndTheLastDate() throws IOException {
    RunRecord record = RunRecord.read(directory);
    assertEquals(List.of(), List.copyOf(record.machines()));
    record.with("one", "2025-01-01").write(directory);
    RunRecord.read(directory).with("another", "2025-01-02").write(directory);
    RunRecord.read(directory).with("one", "2025-01-03").write(directory);
    record = RunRecord.read(directory);
    assertEquals(List.of("one", "another"), List.copyOf(record.machines()));
    assertEquals("2025-01-03", record.date());
  }

  @Test
  void aFileThatIsNoRecordIsRefused() throws IOException {
    Files.writeString(directory.resolve("run.json"), "{\"machines\": [");
    assertThrows(IOException.class, () -> RunRecord.read(directory));
  }
}
