package dev.lethe.server.security;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lethe.inference.GRPCInferenceServiceGrpc;
import dev.lethe.inference.ModelInferRequest;
import dev.lethe.inference.RepositoryModelUnloadRequest;
import dev.lethe.inference.ServerMetadataRequest;
import dev.lethe.inference.ServerReadyRequest;
import dev.lethe.server.LogLines;
import dev.lethe.server.ServerFixture;
import dev.lethe.server.TinyBundles;
import dev.lethe.server.Until;
import dev.lethe.server.audit.AuditLog;
import dev.lethe.server.security.TestAuthority.Pair;
import dev.lethe.v1.ActivateRequest;
import dev.lethe.v1.ActivateResponse;
import dev.lethe.v1.CancelJobRequest;
import dev.lethe.v1.GenerateRequest;
import dev.lethe.v1.GeneratedImage;
import dev.lethe.v1.GenerationServiceGrpc;
import dev.lethe.v1.Job;
import dev.lethe.v1.ListJobsRequest;
import dev.lethe.v1.ListModelsRequest;
import dev.lethe.v1.ModelServiceGrpc;
import dev.lethe.v1.SubmitRequest;
import dev.lethe.v1.UnlearnKind;
import dev.lethe.v1.UnlearnSpec;
import dev.lethe.v1.UnlearningServiceGrpc;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptors;
import io.grpc.Grpc;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import io.grpc.TlsChannelCredentials;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.grpc.reflection.v1.ServerReflectionRequest;
import io.grpc.reflection.v1.ServerReflectionResponse;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Who may do what, by a real server and a real client: tokens, certificates, roles, rates. */
@Timeout(180)
class AccessIT {

  @TempDir
  Path root;

  private final List<ManagedChannel> open = new ArrayList<>();
  private Path principals;

  @BeforeEach
  void prepare() throws Exception {
    TinyBundles.conditional(root.resolve("models"), "v1", 7);
    principals = root.resolve("principals.yaml");
    principals(principal("artist", "generate"), principal("eraser", "unlearn"), principal("operator", "operate"),
        principal("prometheus", ""));
  }

  private static String principal(String name, String roles, String... more) throws Exception {
    String hash = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256")
        .digest((name + "-token").getBytes(StandardCharsets.UTF_8)));
    return "- {name: " + name + ", roles: [" + roles + "], token-sha256: " + hash + String.join("", more) + "}\n";
  }

  private void principals(String... entries) throws IOException {
    Files.writeString(principals, String.join("", entries));
  }

  private ServerFixture start(Map<String, String> more) throws IOException {
    return ServerFixture.start(root, Map.of("auth.principals", principals.toString(), "tls.reload", "1"), more);
  }

  private static Channel as(Channel channel, String token) {
    Metadata headers = new Metadata();
    headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + token);
    return ClientInterceptors.intercept(channel, MetadataUtils.newAttachHeadersInterceptor(headers));
  }

  private static void generate(Channel channel) {
    assertEquals(1, GenerationServiceGrpc.newBlockingStub(channel).withDeadlineAfter(30, TimeUnit.SECONDS)
        .generate(GenerateRequest.getDefaultInstance()).getImagesCount());
  }

  private static void refused(Code code, String message, Runnable call) {
    StatusRuntimeException refused = assertThrows(StatusRuntimeException.class, call::run);
    assertEquals(code + ": " + message, refused.getStatus().getCode() + ": " + refused.getStatus().getDescription());
  }

  @Test
  void rolesDecideWhatATokenMayDo() throws Exception {
    try (ServerFixture server = start(Map.of())) {
      Channel artist = as(server.channel(), "artist-token");
      Channel eraser = as(server.channel(), "eraser-token");
      Channel operator = as(server.channel(), "operator-token");
      ActivateRequest activate = ActivateRequest.newBuilder().setModel("tiny").setVersion("v1").build();

      generate(artist);
      refused(Code.PERMISSION_DENIED, "eraser may not call lethe.v1.GenerationService/Generate: that needs the role"
          + " generate, and it has unlearn", () -> generate(eraser));
      refused(Code.PERMISSION_DENIED, "artist may not call lethe.v1.UnlearningService/ListJobs: that needs the role"
          + " unlearn or operate, and it has generate", () -> UnlearningServiceGrpc.newBlockingStub(artist)
          .listJobs(ListJobsRequest.getDefaultInstance()));
      UnlearningServiceGrpc.newBlockingStub(eraser).listJobs(ListJobsRequest.getDefaultInstance());
      UnlearningServiceGrpc.newBlockingStub(operator).listJobs(ListJobsRequest.getDefaultInstance());
      refused(Code.PERMISSION_DENIED,
          "prometheus may not call lethe.v1.UnlearningService/CancelJob: that needs the role"
          + " unlearn or operate, and it has none", () -> UnlearningServiceGrpc
          .newBlockingStub(as(server.channel(), "prometheus-token")).cancelJob(CancelJobRequest.getDefaultInstance()));
      assertEquals(Code.PERMISSION_DENIED, submit(operator));
      assertEquals(Code.INVALID_ARGUMENT, submit(eraser));
      ModelServiceGrpc.newBlockingStub(operator).activate(activate);
      refused(Code.PERMISSION_DENIED, "eraser may not call lethe.v1.ModelService/Activate: that needs the role operate,"
          + " and it has unlearn", () -> ModelServiceGrpc.newBlockingStub(eraser).activate(activate));
      ModelServiceGrpc.newBlockingStub(artist).listModels(ListModelsRequest.getDefaultInstance());
    }
  }

  @Test
  void theAuditLogTellsWhoIsRefusedAndWhat() throws Exception {
    LogLines audit = LogLines.of(AuditLog.NAME);
    try (ServerFixture server = start(Map.of())) {
      ActivateRequest activate = ActivateRequest.newBuilder().setModel("tiny").setVersion("v9").build();
      assertThrows(StatusRuntimeException.class, () -> ModelServiceGrpc
          .newBlockingStub(as(server.channel(), "artist-token")).activate(activate));
      assertThrows(StatusRuntimeException.class, () -> ModelServiceGrpc.newBlockingStub(server.channel())
          .activate(activate));
      StreamObserver<SubmitRequest> upload = UnlearningServiceGrpc.newStub(as(server.channel(), "operator-token"))
          .submit(new StreamObserver<>() {
            @Override
            public void onNext(Job job) {}

            @Override
            public void onError(Throwable t) {}

            @Override
            public void onCompleted() {}
          });
      upload.onNext(SubmitRequest.newBuilder().setSpec(UnlearnSpec.newBuilder().setModel("tiny")
          .setKind(UnlearnKind.UNLEARN_KIND_CLASS).addClasses("six").addClasses("seven")).build());
      // It never says what it would be about, and is refused all the same.
      ClientCall<ActivateRequest, ActivateResponse> silent =
          server.channel().newCall(ModelServiceGrpc.getActivateMethod(), CallOptions.DEFAULT);
      CompletableFuture<Code> refused = new CompletableFuture<>();
      silent.start(new ClientCall.Listener<>() {
        @Override
        public void onClose(Status status, Metadata trailers) {
          refused.complete(status.getCode());
        }
      }, new Metadata());
      // The client keeps the headers of a call with one message until that is there, or another call's bytes go out.
      HealthGrpc.newBlockingStub(server.channel()).check(HealthCheckRequest.getDefaultInstance());
      assertEquals(Code.UNAUTHENTICATED, refused.get(10, TimeUnit.SECONDS));
    } finally {
      audit.close();
    }
    List<String> told = new ArrayList<>();
    for (String line : audit.all()) {
      JsonNode order = new ObjectMapper().readTree(line.substring(line.indexOf('{')));
      StringJoiner parts = new StringJoiner(" ");
      List.of("principal", "outcome", "model", "version", "kind", "classes")
          .forEach(name -> parts.add(order.path(name).asText("-")));
      told.add(parts.toString());
    }
    assertEquals(List.of(" UNAUTHENTICATED - - - -", " UNAUTHENTICATED tiny v9 - -",
        "artist PERMISSION_DENIED tiny v9 - -", "operator PERMISSION_DENIED tiny - class six,seven"),
        told.stream().sorted().toList());
  }

  @Test
  void rolesHoldForTheOpenInferenceProtocolToo() throws Exception {
    try (ServerFixture server = start(Map.of())) {
      var anyone = GRPCInferenceServiceGrpc.newBlockingStub(server.channel());
      var artist = GRPCInferenceServiceGrpc.newBlockingStub(as(server.channel(), "artist-token"));
      var operator = GRPCInferenceServiceGrpc.newBlockingStub(as(server.channel(), "operator-token"));
      ModelInferRequest infer = ModelInferRequest.newBuilder().setModelName("tiny").build();
      RepositoryModelUnloadRequest unload = RepositoryModelUnloadRequest.newBuilder().setModelName("tiny").build();

      assertTrue(anyone.serverReady(ServerReadyRequest.getDefaultInstance()).getReady());
      refused(Code.UNAUTHENTICATED, "this call needs credentials: a bearer token (authorization: Bearer TOKEN)",
          () -> anyone.serverMetadata(ServerMetadataRequest.getDefaultInstance()));
      assertEquals("lethe", artist.serverMetadata(ServerMetadataRequest.getDefaultInstance()).getName());
      refused(Code.INVALID_ARGUMENT, "inputs: give exactly one of seed, z and ws; none is given",
          () -> artist.modelInfer(infer));
      refused(Code.PERMISSION_DENIED, "operator may not call inference.GRPCInferenceService/ModelInfer: that needs the"
          + " role generate, and it has operate", () -> operator.modelInfer(infer));
      refused(Code.PERMISSION_DENIED, "artist may not call inference.GRPCInferenceService/RepositoryModelUnload: that"
          + " needs the role operate, and it has generate", () -> artist.repositoryModelUnload(unload));
      operator.repositoryModelUnload(unload);
    }
  }

  /** An empty submission. */
  private static Code submit(Channel channel) throws Exception {
    CompletableFuture<Code> end = new CompletableFuture<>();
    UnlearningServiceGrpc.newStub(channel).submit(new StreamObserver<>() {
      @Override
      public void onNext(Job job) {}

      @Override
      public void onError(Throwable t) {
        end.complete(Status.fromThrowable(t).getCode());
      }

      @Override
      public void onCompleted() {
        end.complete(Code.OK);
      }
    }).onCompleted();
    return end.get(10, TimeUnit.SECONDS);
  }

  @Test
  void withoutCredentialsThereIsHealthAndWhatWasOpened() throws Exception {
    try (ServerFixture server = start(Map.of())) {
      refused(Code.UNAUTHENTICATED, "this call needs credentials: a bearer token (authorization: Bearer TOKEN)",
          () -> generate(server.channel()));
      refused(Code.UNAUTHENTICATED, "the bearer token is not known", () -> generate(as(server.channel(), "guess")));
      HealthGrpc.newBlockingStub(server.channel()).check(HealthCheckRequest.getDefaultInstance());
      assertEquals(200, server.get("/healthz").statusCode());
      assertEquals(200, server.get("/readyz").statusCode());
      assertEquals(401, server.get("/metrics").statusCode());
      assertEquals(Code.UNAUTHENTICATED, reflect(server.channel()));
      assertEquals(Code.OK, reflect(as(server.channel(), "prometheus-token")));
    }
    try (ServerFixture server = start(Map.of("auth.open", "metrics,reflection"))) {
      assertEquals(200, server.get("/metrics").statusCode());
      assertEquals(Code.OK, reflect(server.channel()));
      assertThrows(StatusRuntimeException.class, () -> generate(server.channel()));
    }
  }

  private static Code reflect(Channel channel) throws Exception {
    CompletableFuture<Code> end = new CompletableFuture<>();
    StreamObserver<ServerReflectionRequest> questions = ServerReflectionGrpc.newStub(channel).serverReflectionInfo(
        new StreamObserver<>() {
          @Override
          public void onNext(ServerReflectionResponse answer) {}

          @Override
          public void onError(Throwable t) {
            end.complete(Status.fromThrowable(t).getCode());
          }

          @Override
          public void onCompleted() {
            end.complete(Code.OK);
          }
        });
    questions.onNext(ServerReflectionRequest.newBuilder().setListServices("").build());
    questions.onCompleted();
    return end.get(10, TimeUnit.SECONDS);
  }

  @Test
  void principalsAreTakenBackWithoutARestart() throws Exception {
    try (ServerFixture server = start(Map.of())) {
      generate(as(server.channel(), "artist-token"));
      principals(principal("other", "generate"));
      Until.holds(() -> {
        try {
          generate(as(server.channel(), "artist-token"));
          return false;
        } catch (StatusRuntimeException gone) {
          assertEquals(Code.UNAUTHENTICATED, gone.getStatus().getCode());
          return true;
        }
      });
      generate(as(server.channel(), "other-token"));
      // A file with mistakes takes nothing away.
      try (LogLines told = LogLines.of(WatchedFiles.class)) {
        Files.writeString(principals, "- {name: broken");
        told.until("what was loaded before stays in use");
      }
      generate(as(server.channel(), "other-token"));
    }
  }

  @Test
  void aCertificateIsACredential() throws Exception {
    TestAuthority authority = new TestAuthority(root, "authority");
    Pair its = authority.issue("server", "lethe.example");
    Pair named = authority.issue("named", "robot.example");
    Pair unnamed = authority.issue("unnamed", "guest.example");
    Pair reserved = authority.issue("reserved", "Server");
    Files.writeString(principals, principal("artist", "generate")
        + "- {name: robot, roles: [operate], certificate: robot.example}\n");
    try (ServerFixture server = start(Map.of("tls.certificate", its.certificate().toString(), "tls.key",
        its.key().toString(), "tls.client-ca", authority.certificate().toString(), "tls.client-certificates",
        "optional", "auth.certificate-roles", "generate"))) {
      generate(tls(server, authority, unnamed));
      refused(Code.PERMISSION_DENIED, "robot may not call lethe.v1.GenerationService/Generate: that needs the role"
          + " generate, and it has operate", () -> generate(tls(server, authority, named)));
      refused(Code.UNAUTHENTICATED, "the certificate's common name is \"Server\", which is what the server calls itself"
          + " or its workers; an operator can give it another in the file of principals (auth.principals)",
          () -> generate(tls(server, authority, reserved)));
      refused(Code.UNAUTHENTICATED, "this call needs credentials: a bearer token or a client certificate",
          () -> generate(tls(server, authority, null)));
      generate(as(tls(server, authority, null), "artist-token"));
    }
  }

  @AfterEach
  void close() {
    open.forEach(ManagedChannel::shutdownNow);
  }

  private Channel tls(ServerFixture server, TestAuthority trusted, Pair shown) {
    try {
      TlsChannelCredentials.Builder credentials =
          TlsChannelCredentials.newBuilder().trustManager(trusted.certificate().toFile());
      if (shown != null) {
        credentials.keyManager(shown.certificate().toFile(), shown.key().toFile());
      }
      ManagedChannel channel =
          Grpc.newChannelBuilderForAddress("127.0.0.1", server.port(), credentials.build()).build();
      open.add(channel);
      return channel;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void ratesHoldForEachPrincipal() throws Exception {
    principals(principal("slow", "generate", ", requests-per-second: 0.2"), principal("fast", "generate"),
        principal("frugal", "generate", ", images-per-second: 0.2"),
        principal("viewer", "generate", ", images-per-second: 20"));
    try (ServerFixture server = start(Map.of())) {
      Channel slow = as(server.channel(), "slow-token");
      generate(slow);
      StatusRuntimeException refused = assertThrows(StatusRuntimeException.class, () -> generate(slow));
      assertEquals(Code.RESOURCE_EXHAUSTED, refused.getStatus().getCode());
      assertTrue(refused.getStatus().getDescription().matches(
          "slow is at its limit of 0.2 requests a second: try again in \\d+ ms"), refused::getMessage);
      int pushback = Integer.parseInt(refused.getTrailers()
          .get(Metadata.Key.of("grpc-retry-pushback-ms", Metadata.ASCII_STRING_MARSHALLER)));
      assertTrue(pushback > 0 && pushback <= 5001, () -> "pushback " + pushback);
      for (int i = 0; i < 3; i++) {
        generate(as(server.channel(), "fast-token"));
      }

      Channel frugal = as(server.channel(), "frugal-token");
      GenerationServiceGrpc.newBlockingStub(frugal).generate(GenerateRequest.newBuilder().setCount(20).build());
      refused = assertThrows(StatusRuntimeException.class, () -> generate(frugal));
      assertTrue(refused.getStatus().getDescription().startsWith("frugal is at its limit of 0.2 images a second"),
          refused::getMessage);

      // A stream is slowed down instead: the last 10 of 30 images come at 20 a second.
      long start = System.nanoTime();
      Iterator<GeneratedImage> images = GenerationServiceGrpc
          .newBlockingStub(as(server.channel(), "viewer-token"))
          .generateStream(GenerateRequest.newBuilder().setCount(30).build());
      int received = 0;
      while (images.hasNext()) {
        images.next();
        received++;
      }
      double seconds = (System.nanoTime() - start) / 1e9;
      assertEquals(30, received);
      assertTrue(seconds > 0.45, () -> seconds + " s");
    }
  }

  @Test
  void requestIdsAreTakenOverOrMade() throws Exception {
    try (ServerFixture server = start(Map.of())) {
      assertEquals("my-request.1", requestId(server, "my-request.1"));
      String made = requestId(server, "forged\" line");
      assertTrue(made.matches("[0-9a-f]{16}"), made);
      assertNotEquals(made, requestId(server, ""));
    }
  }

  private static String requestId(ServerFixture server, String asked) {
    Metadata.Key<String> key = Metadata.Key.of("x-request-id", Metadata.ASCII_STRING_MARSHALLER);
    Metadata headers = new Metadata();
    headers.put(key, asked);
    AtomicReference<Metadata> answer = new AtomicReference<>();
    generate(ClientInterceptors.intercept(as(server.channel(), "artist-token"),
        MetadataUtils.newAttachHeadersInterceptor(headers),
        MetadataUtils.newCaptureMetadataInterceptor(answer, new AtomicReference<>())));
    return answer.get().get(key);
  }
}
