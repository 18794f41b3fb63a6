package dev.lethe.server.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.server.ServerFixture;
import dev.lethe.server.TinyBundles;
import dev.lethe.server.Until;
import dev.lethe.v1.GenerateRequest;
import dev.lethe.v1.GenerationServiceGrpc;
import io.grpc.ManagedChannel;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import java.io.IOException;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Who keeps a connection: clients that are there, and use it. */
@Timeout(120)
class ConnectionsIT {

  private static final String HEALTH_WATCH = "grpc.health.v1.Health/Watch";
  private static final int PATIENCE_MS = 20_000;

  @TempDir
  static Path root;

  private static ServerFixture server;

  @BeforeAll
  static void start() throws IOException {
    TinyBundles.conditional(root.resolve("models"), "v1", 7);
    server = ServerFixture.start(root, Map.of("handshake-timeout", "1", "keepalive", "1", "idle-timeout", "2"));
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @Test
  void whoSaysNothingIsLetGo() throws Exception {
    try (Socket silent = new Socket("127.0.0.1", server.port());
        Socket half = new Socket("127.0.0.1", server.port());
        RawHttp2 preface = new RawHttp2(server.port()).preface()) {
      half.getOutputStream().write("GET /readyz HTTP/1.1\r\nhost: loc".getBytes(StandardCharsets.US_ASCII));
      assertTrue(preface.closedWithin(PATIENCE_MS), "a preface and nothing more");
      assertTrue(isClosed(silent), "nothing at all");
      assertTrue(isClosed(half), "half a request");
    }
  }

  @Test
  void whoAnswersButAsksForNothingIsLetGoToo() throws Exception {
    try (RawHttp2 client = new RawHttp2(server.port()).preface()) {
      int answered = 0;
      for (Optional<RawHttp2.Frame> frame = client.next(); frame.isPresent(); frame = client.next()) {
        answered += answer(client, frame.get()) ? 1 : 0;
      }
      assertTrue(answered > 0, "it was never asked for a sign of life");
    }
    try (Socket plain = new Socket("127.0.0.1", server.port())) {
      plain.getOutputStream().write("GET /readyz HTTP/1.1\r\nhost: localhost\r\n\r\n"
          .getBytes(StandardCharsets.US_ASCII));
      assertEquals('H', plain.getInputStream().read());
      assertTrue(isClosed(plain), "an answered request of HTTP/1.1 and nothing more");
    }
  }

  @Test
  void aCallThatWaitsKeepsItsConnectionWhileItsClientIsThere() throws Exception {
    Iterator<HealthCheckResponse> waiting = HealthGrpc.newBlockingStub(server.channel())
        .watch(HealthCheckRequest.getDefaultInstance());
    assertEquals(ServingStatus.SERVING, waiting.next().getStatus());
    try (RawHttp2 there = new RawHttp2(server.port()).preface();
        RawHttp2 gone = new RawHttp2(server.port()).preface()) {
      for (RawHttp2 client : List.of(there, gone)) {
        client.call(1, HEALTH_WATCH, "localhost");
        client.message(1, HealthCheckRequest.getDefaultInstance(), true);
      }
      // Longer than any connection without a call is kept, in signs of life.
      for (int answers = 0; answers < 4; ) {
        answers += answer(there, there.next().orElseThrow()) ? 1 : 0;
      }
      assertTrue(gone.closedWithin(PATIENCE_MS), "a client that is gone");
    }
    CompletableFuture<Boolean> next = CompletableFuture.supplyAsync(waiting::hasNext);
    assertFalse(next.isDone(), "the call of a client that is there has ended");
    Until.holds(() -> server.metric("lethe_grpc_requests_in_flight{method=\"" + HEALTH_WATCH + "\",}") == 1);
  }

  private static boolean answer(RawHttp2 client, RawHttp2.Frame frame) throws IOException {
    if (frame.type() != RawHttp2.PING || frame.flags() == RawHttp2.ACK) {
      return false;
    }
    try {
      client.frame(RawHttp2.PING, RawHttp2.ACK, 0, frame.payload());
    } catch (SocketException closed) {
      return false;
    }
    return true;
  }

  @Test
  void healthIsToldWhereNoOtherCallIsTaken() throws Exception {
    TinyBundles.conditional(root.resolve("full/models"), "v1", 7);
    List<ManagedChannel> channels = new ArrayList<>();
    try (ServerFixture full = ServerFixture.start(root.resolve("full"), Map.of("max-connections", "3"))) {
      for (int i = 0; i < 3; i++) {
        ManagedChannel channel = full.newChannel();
        channels.add(channel);
        assertEquals(ServingStatus.SERVING, HealthGrpc.newBlockingStub(channel)
            .watch(HealthCheckRequest.getDefaultInstance()).next().getStatus());
      }
      assertEquals(200, full.get("/readyz").statusCode());
      ManagedChannel fourth = full.newChannel();
      channels.add(fourth);
      assertEquals(ServingStatus.SERVING, HealthGrpc.newBlockingStub(fourth)
          .check(HealthCheckRequest.getDefaultInstance()).getStatus());
      ManagedChannel fifth = full.newChannel();
      channels.add(fifth);
      StatusRuntimeException refused = assertThrows(StatusRuntimeException.class,
          () -> GenerationServiceGrpc.newBlockingStub(fifth).generate(GenerateRequest.getDefaultInstance()));
      assertEquals(Code.RESOURCE_EXHAUSTED, refused.getStatus().getCode(), refused::toString);
    } finally {
      channels.forEach(ManagedChannel::shutdownNow);
    }
  }

  private static boolean isClosed(Socket socket) throws IOException {
    socket.setSoTimeout(PATIENCE_MS);
    try {
      while (socket.getInputStream().read() >= 0) {
        // What came before the end.
      }
      return true;
    } catch (SocketTimeoutException e) {
      return false;
    } catch (SocketException reset) {
      return true;
    }
  }
}
