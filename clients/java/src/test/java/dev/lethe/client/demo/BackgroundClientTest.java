package dev.lethe.client.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.client.FakeServer;
import dev.lethe.client.LetheClient;
import dev.lethe.client.report.ReportJson.Requests;
import dev.lethe.v1.GenerateRequest;
import java.io.IOException;
import java.time.Duration;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class BackgroundClientTest {

  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private FakeServer server;
  private LetheClient lethe;

  @BeforeEach
  void connect() throws IOException {
    server = new FakeServer();
    lethe = server.client();
  }

  @AfterEach
  void disconnect() {
    lethe.close();
    server.close();
  }

  private BackgroundClient client(int side) {
    return new BackgroundClient(lethe, GenerateRequest.getDefaultInstance(), side, side);
  }

  @Test
  void countsGoodAnswersOfBothVersions() throws InterruptedException {
    BackgroundClient client = client(32);
    try (client) {
      client.start();
      assertTrue(client.awaitAnswers("v1", 1, PATIENCE));
      assertFalse(client.awaitAnswers("v2", 1, Duration.ofMillis(50)));
      server.activate("v2");
      assertTrue(client.awaitAnswers("v2", 1, PATIENCE));
    }
    Requests requests = client.requests(Set.of("v1", "v2"));
    assertEquals(0, requests.failed(), client.firstFailure());
    assertEquals(server.generated.size(), requests.total());
    assertEquals(Set.of("v1", "v2"), client.answersByVersion().keySet());
  }

  @Test
  void aVersionThatNobodyExpectsIsAFailure() throws InterruptedException {
    BackgroundClient client = client(32);
    try (client) {
      client.start();
      client.awaitAnswers("v1", 1, PATIENCE);
    }
    Requests requests = client.requests(Set.of("v8", "v9"));
    assertTrue(requests.failed() > 0);
    assertEquals(requests.total(), requests.failed());
  }

  @Test
  void goingBackToTheOldVersionIsAFailure() throws InterruptedException {
    BackgroundClient client = client(32);
    try (client) {
      client.start();
      client.awaitAnswers("v1", 1, PATIENCE);
      // One caller's first answer may be after a swap already: to and fro until one has seen v1, v2, v1.
      for (int swap = 0; client.requests(Set.of("v1", "v2")).failed() == 0; swap++) {
        server.activate(swap % 2 == 0 ? "v2" : "v1");
        Thread.sleep(300);
      }
    }
    assertTrue(client.firstFailure().contains("answered again"), client.firstFailure());
  }

  @Test
  void imagesOfTheWrongSizeAndErrorsAreFailures() throws InterruptedException {
    BackgroundClient client = client(64);
    try (client) {
      client.start();
      while (client.requests(Set.of("v1")).failed() < 2) {
        Thread.sleep(10);
      }
      assertTrue(client.firstFailure().contains("32 x 32"), client.firstFailure());
      server.close();
      long before = client.requests(Set.of("v1")).failed();
      while (client.requests(Set.of("v1")).failed() == before) {
        Thread.sleep(10);
      }
    }
    assertEquals(Set.of(), client.answersByVersion().keySet());
  }
}
