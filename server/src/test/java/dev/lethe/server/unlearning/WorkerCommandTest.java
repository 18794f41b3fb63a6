package dev.lethe.server.unlearning;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.junit.jupiter.api.Test;

class WorkerCommandTest {

  @Test
  void quotesKeepBlanksTogether() {
    assertEquals(List.of("java", "-cp", "a b/c:d e", "-Dx=y z", "Main"),
        WorkerCommand.parse(" java  -cp \"a b/c\":\"d e\" -Dx=\"y z\" Main ").words());
  }

  @Test
  void emptyCommandIsRefused() {
    assertThrows(IllegalArgumentException.class, () -> WorkerCommand.parse("  "));
  }
}
