package dev.lethe.server.inspection;

import dev.lethe.models.files.FileTrees;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/**
 * The folders of all studies, those of other servers included. A server keeps the time of change of its own ones young;
 * one that grows old was left by a server that was ended, whichever that was. Blocks: not for event loops.
 */
final class StudyDirectories {

  /** Between signs of a server that it is at its studies. */
  static final Duration BEAT = Duration.ofSeconds(5);
  /** A study without a sign for so long is none any more: beats may be late, and clocks of machines differ. */
  static final Duration STALE = Duration.ofMinutes(2);

  private final Path root;
  private final Set<Path> own = ConcurrentHashMap.newKeySet();

  /** @param root absolute */
  StudyDirectories(Path root) {
    this.root = root;
  }

  StudyDirectory create() throws IOException {
    StudyDirectory created = StudyDirectory.create(root);
    own.add(created.path());
    return created;
  }

  /** What cannot be deleted now grows old, and is tried again. */
  void delete(StudyDirectory study) throws IOException {
    own.remove(study.path());
    FileTrees.delete(study.path());
  }

  /** Shows that this server is at its studies. */
  void beat() throws IOException {
    FileTime now = FileTime.from(Instant.now());
    for (Path study : own) {
      try {
        Files.setLastModifiedTime(study, now);
      } catch (NoSuchFileException e) {
        // It has just ended.
      }
    }
  }

  /**
   * Takes away what servers left that were ended.
   *
   * @param stale how long nobody has shown to be at a study that is left
   */
  void clean(Duration stale) throws IOException {
    Instant since = Instant.now().minus(stale);
    List<Path> left;
    try (Stream<Path> entries = Files.list(root)) {
      left = entries.filter(StudyDirectory::isStudy).filter(entry -> !own.contains(entry)).toList();
    }
    for (Path entry : left) {
      try {
        if (!Files.getLastModifiedTime(entry).toInstant().isAfter(since)) {
          FileTrees.delete(entry);
        }
      } catch (NoSuchFileException e) {
        // Its server has deleted it.
      }
    }
  }
}
