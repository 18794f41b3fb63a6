package dev.lethe.server.inspection;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is left of the studies of a server that was ended goes soon, and others' are left alone. */
class StudyDirectoriesTest {

  @TempDir
  Path root;

  private static void age(StudyDirectory study) throws Exception {
    Files.setLastModifiedTime(study.path(), FileTime.from(Instant.now().minus(StudyDirectories.STALE)));
  }

  @Test
  void aStudyThatItsServerIsAtStaysAndOneThatItLeftGoes() throws Exception {
    StudyDirectories dead = new StudyDirectories(root);
    StudyDirectories alive = new StudyDirectories(root);
    StudyDirectories other = new StudyDirectories(root);
    StudyDirectory left = dead.create();
    StudyDirectory goesOn = alive.create();
    Files.writeString(left.path().resolve("job.json"), "{}");
    other.clean(StudyDirectories.STALE);
    assertTrue(Files.exists(left.path()), "it may be somebody's yet");
    age(left);
    age(goesOn);
    alive.beat();
    other.clean(StudyDirectories.STALE);
    assertFalse(Files.exists(left.path()));
    assertTrue(Files.exists(goesOn.path()));
    alive.clean(Duration.ZERO);
    assertTrue(Files.exists(goesOn.path()), "a server knows its own");
    alive.delete(goesOn);
    assertFalse(Files.exists(goesOn.path()));
    alive.beat();
  }
}
