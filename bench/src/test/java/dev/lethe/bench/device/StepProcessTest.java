package dev.lethe.bench.device;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class StepProcessTest {

  @TempDir
  private Path directory;

  @Test
  @Timeout(30)
  void aStepThatNeverReturnsIsEndedWithAllThatItStartedAndKeepsItsRows() throws Exception {
    // The child holds the pipe, as a server that a step has started does.
    assertEquals(List.of(Figures.of("batch", 1L), Figures.of(Figures.NOTE, "ended after 2 s, its limit")),
        run("echo '{\"batch\": 1}'; sleep 600 & sleep 600"));
  }

  @Test
  void aStepThatCrashesTellsItsLastLines() throws Exception {
    assertEquals(List.of(Figures.of(Figures.NOTE, "ended with status 134: no such / device")),
        run("echo no such >&2; echo device >&2; exit 134"));
  }

  @Test
  void whatIsNoRowIsPassedOver() throws Exception {
    assertEquals(List.of(Figures.of("batch", 2L)), run("echo a line of a log; echo '{\"batch\": 2}'"));
  }

  private List<Figures> run(String script) throws Exception {
    List<Figures> rows = new ArrayList<>();
    StepProcess.run(List.of("sh", "-c", script), Duration.ofSeconds(2), directory.resolve("log"), rows::add);
    return rows;
  }
}
