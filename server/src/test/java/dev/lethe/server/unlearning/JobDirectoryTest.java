package dev.lethe.server.unlearning;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.encryption.FileCipher;
import dev.lethe.v1.ImageRole;
import dev.lethe.v1.Job;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JobDirectoryTest {

  @TempDir
  Path root;

  @Test
  void workerThatOutlivedTheServerIsFoundAgainAndNoOtherProcess() throws Exception {
    JobDirectory job = new JobDirectory(root);
    assertEquals(Optional.empty(), job.leftWorker());
    Process worker = new ProcessBuilder("sleep", "60").start();
    try {
      job.writeProcess(worker.toHandle());
      assertEquals(worker.pid(), job.leftWorker().orElseThrow().pid());
      // The same number, started at another time.
      Files.writeString(root.resolve("worker.pid"), worker.pid() + " 1");
      assertEquals(Optional.empty(), job.leftWorker());
      job.writeProcess(worker.toHandle());
    } finally {
      worker.destroyForcibly().waitFor();
    }
    assertEquals(Optional.empty(), job.leftWorker());
  }

  /** A disk that is not mounted has nothing left on it, as far as one can see. */
  @Test
  void nothingIsSaidOfAFolderWhoseParentIsNotThere() throws IOException {
    JobFolders folders = new JobFolders(root.resolve("jobs"));
    JobDirectory job = folders.of("a");
    assertThrows(IOException.class, () -> job.left(false));
    folders.mark();
    assertEquals(List.of(), job.left(false));
  }

  @Test
  void ofImagesThatTheJobSpeaksOfNoneMayBeMissing() throws IOException {
    JobDirectory job = new JobDirectory(root);
    Job two = Job.newBuilder().setUnlearnImages(2).build();
    FileCipher cipher = new FileCipher(FileCipher.newKey());
    job.writeImage(ImageRole.IMAGE_ROLE_UNLEARN, 0, new byte[1], cipher);
    assertFalse(job.hasImages(two));
    job.writeImage(ImageRole.IMAGE_ROLE_UNLEARN, 1, new byte[1], cipher);
    assertTrue(job.hasImages(two));
    // Of an upload whose folder was taken away under it, what comes later is no upload.
    JobDirectory gone = new JobDirectory(root.resolve("gone"));
    assertThrows(IOException.class, () -> gone.writeImage(ImageRole.IMAGE_ROLE_UNLEARN, 1, new byte[1], cipher));
  }

  @Test
  void endOfALongLogIsItsLastLines() throws IOException {
    JobDirectory job = new JobDirectory(root);
    assertEquals("", job.endOfLog());
    Files.writeString(job.log(), IntStream.range(0, 5000).mapToObj(i -> "line " + i)
        .collect(Collectors.joining("\n")) + "\n");
    String end = job.endOfLog();
    assertTrue(end.startsWith("line 4988\n") && end.endsWith("\nline 4999"), end);
  }
}
