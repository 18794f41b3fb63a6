package dev.lethe.client.demo;

import dev.lethe.client.LetheClient;
import dev.lethe.client.LetheException;
import dev.lethe.client.image.Pictures;
import dev.lethe.client.report.ReportJson.Requests;
import dev.lethe.v1.GenerateRequest;
import dev.lethe.v1.GenerateResponse;
import dev.lethe.v1.Seeds;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A client that never stops asking: a few callers generate one image after another and check every answer, so that a
 * swap that loses, spoils or mixes up requests is seen.
 */
final class BackgroundClient implements AutoCloseable {

  private static final int CALLERS = 2;
  /** Between two requests of a caller; without it the callers would take the cores that the job needs. */
  private static final Duration PAUSE = Duration.ofMillis(120);
  private static final Duration STOP = Duration.ofSeconds(60);

  private final LetheClient lethe;
  private final GenerateRequest request;
  private final int width;
  private final int height;
  private final List<Thread> callers = new ArrayList<>();
  private volatile boolean stopped;

  // Guarded by this.
  private long failed;
  private String firstFailure = "";
  private final Map<String, Long> answersByVersion = new LinkedHashMap<>();

  /**
   * @param request gets a new seed each time
   * @param width of an image that is right, in pixels
   */
  BackgroundClient(LetheClient lethe, GenerateRequest request, int width, int height) {
    this.lethe = lethe;
    this.request = request;
    this.width = width;
    this.height = height;
  }

  void start() {
    for (int caller = 0; caller < CALLERS; caller++) {
      int first = caller;
      Thread thread = new Thread(() -> ask(first), "lethe-demo-caller-" + caller);
      thread.setDaemon(true);
      callers.add(thread);
      thread.start();
    }
  }

  /** Waits until a version has given that many good answers, at most this long; false if it has not. */
  synchronized boolean awaitAnswers(String version, int answers, Duration patience) throws InterruptedException {
    long end = System.nanoTime() + patience.toNanos();
    while (answersByVersion.getOrDefault(version, 0L) < answers) {
      long millis = Duration.ofNanos(end - System.nanoTime()).toMillis();
      if (millis <= 0) {
        return false;
      }
      wait(millis);
    }
    return true;
  }

  /** Ends the callers after the answers that they wait for. */
  @Override
  public void close() {
    stopped = true;
    try {
      for (Thread caller : callers) {
        caller.join(STOP.toMillis());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Good answers by the version that gave them, in the order in which versions answered first. */
  synchronized Map<String, Long> answersByVersion() {
    return new LinkedHashMap<>(answersByVersion);
  }

  /**
   * @param expected versions that may have answered; an answer of another one counts as failed
   */
  synchronized Requests requests(Set<String> expected) {
    long good = 0;
    long strange = 0;
    for (Map.Entry<String, Long> answers : answersByVersion.entrySet()) {
      if (expected.contains(answers.getKey())) {
        good += answers.getValue();
      } else {
        strange += answers.getValue();
      }
    }
    return new Requests(good + strange + failed, strange + failed);
  }

  /** What was wrong with the first request that failed; empty if none did. */
  synchronized String firstFailure() {
    return firstFailure;
  }

  private void ask(int first) {
    Set<String> left = new HashSet<>();
    String current = null;
    for (int seed = first; !stopped; seed += CALLERS) {
      try {
        String version = versionOfGoodAnswer(seed);
        if (!version.equals(current)) {
          left.add(current);
          current = version;
        }
        if (left.contains(version)) {
          throw new IOException("version " + version + " answered again after a newer one had");
        }
        answered(version);
      } catch (LetheException | IOException e) {
        failed(e.toString());
      }
      try {
        Thread.sleep(PAUSE.toMillis());
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  private String versionOfGoodAnswer(int seed) throws IOException {
    GenerateResponse answer = lethe.generate(request.toBuilder()
        .setSeeds(Seeds.newBuilder().addValues(seed))
        .build());
    if (answer.getImagesCount() != 1) {
      throw new IOException(answer.getImagesCount() + " images came, not 1");
    }
    BufferedImage picture = Pictures.decode(answer.getImages(0).getImage());
    if (picture.getWidth() != width || picture.getHeight() != height) {
      throw new IOException("an image of " + picture.getWidth() + " x " + picture.getHeight() + " came");
    }
    return answer.getVersion();
  }

  private synchronized void answered(String version) {
    answersByVersion.merge(version, 1L, Long::sum);
    notifyAll();
  }

  private synchronized void failed(String reason) {
    failed++;
    if (firstFailure.isEmpty()) {
      firstFailure = reason;
    }
  }
}
