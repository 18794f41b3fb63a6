package dev.lethe.server.registry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.lethe.server.ServerFixture;
import dev.lethe.server.TinyBundles;
import dev.lethe.server.threads.Niceness;
import dev.lethe.v1.ActivateRequest;
import dev.lethe.v1.GenerateRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** What loads versions has a low priority, and what answers calls has kept its own, also after a load. */
@EnabledOnOs(OS.LINUX)
class LoaderPriorityIT {

  @TempDir
  Path root;

  @Test
  void loadingGivesWay() throws IOException {
    TinyBundles.conditional(root.resolve("models"), "v1", 1);
    TinyBundles.conditional(root.resolve("models"), "v2", 2);
    Files.writeString(root.resolve("models/tiny/active"), "v1\n");
    int own = Niceness.ofThreads("java").get(0);
    try (ServerFixture server = ServerFixture.start(root)) {
      server.models().activate(ActivateRequest.newBuilder().setModel("tiny").setVersion("v2").build());
      server.generation().generate(GenerateRequest.getDefaultInstance());
      // Other servers of this process may have left theirs.
      assertEquals(10, Niceness.ofThreads("lethe-loader").get(0));
      for (String name : List.of("lethe-inference", "vert.x-eventloo")) {
        List<Integer> values = Niceness.ofThreads(name);
        assertFalse(values.isEmpty(), name);
        values.forEach(value -> assertEquals(own, value, name));
      }
    }
  }
}
