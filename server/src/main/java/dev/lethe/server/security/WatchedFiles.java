package dev.lethe.server.security;

import dev.lethe.models.files.Digests;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks at a few small files again and again, and tells when what they hold has changed. It reads them rather than
 * their times: Kubernetes replaces mounted files by switching a link, and a copy may keep its source's time.
 */
final class WatchedFiles {

  private static final Logger LOG = LoggerFactory.getLogger(WatchedFiles.class);

  /** Takes changed files over; what it throws is logged, and the files are tried again. */
  interface Change {
    void apply() throws Exception;
  }

  private final List<Path> files;
  private final Change change;
  private byte[] applied;
  private String lastFailure = "";

  private WatchedFiles(List<Path> files, Change change) {
    this.files = files;
    this.change = change;
  }

  /**
   * Starts to watch. Blocks for the first look, which is at what the caller has loaded already.
   *
   * @param change called on a thread that may block, never twice at once
   */
  static void watch(Vertx vertx, List<Path> files, Duration every, Change change) throws IOException {
    WatchedFiles watched = new WatchedFiles(files, change);
    watched.applied = watched.digest();
    watched.schedule(vertx, every);
  }

  private void schedule(Vertx vertx, Duration every) {
    // One look after the other: the next is scheduled when one is done.
    vertx.setTimer(every.toMillis(), id -> vertx.executeBlocking(() -> {
      look();
      return null;
    }, false).onComplete(done -> schedule(vertx, every)));
  }

  private void look() {
    try {
      byte[] now = digest();
      if (!Arrays.equals(now, applied)) {
        change.apply();
        applied = now;
        LOG.info("{} taken over", files);
      }
      lastFailure = "";
    } catch (Exception e) {
      // Files that are replaced one by one do not fit each other for a moment; a reason is told once.
      String failure = e.getMessage() == null ? e.toString() : e.getMessage();
      if (!failure.equals(lastFailure)) {
        LOG.error("{} changed, and what was loaded before stays in use: {}", files, failure);
        lastFailure = failure;
      }
    }
  }

  private byte[] digest() throws IOException {
    MessageDigest digest = Digests.digest();
    for (Path file : files) {
      byte[] bytes = Files.readAllBytes(file);
      digest.update(Integer.toString(bytes.length).getBytes(StandardCharsets.US_ASCII));
      digest.update(bytes);
    }
    return digest.digest();
  }
}
