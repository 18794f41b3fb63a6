package dev.lethe.server.threads;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

@EnabledOnOs(OS.LINUX)
class ThreadPriorityTest {

  /** Field 19 of /proc/PID/stat is the niceness. The shell reads its own as the first that it does. */
  @Test
  void aProcessGivesWayFromItsFirstInstructionAndItsStarterDoesNot() throws Exception {
    String line = "read -r line < /proc/self/stat; set -- ${line##*) }; echo ${17}";
    ProcessBuilder builder = new ProcessBuilder(List.of("bash", "-c", line)).redirectErrorStream(true);
    String own = output(builder.start());

    assertEquals("10", output(ThreadPriority.startGivingWay(builder)));
    assertEquals(own, output(builder.start()));
  }

  private static String output(Process process) throws Exception {
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    assertEquals(0, process.waitFor());
    return said;
  }
}
