package dev.lethe.server.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.lethe.server.security.AccessControl;
import dev.lethe.server.security.AccessOptions;
import dev.lethe.server.security.Rates;
import dev.lethe.server.tracing.Tracing;
import dev.lethe.v1.ListModelsRequest;
import dev.lethe.v1.ListModelsResponse;
import dev.lethe.v1.ModelServiceGrpc;
import io.grpc.ManagedChannel;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.grpcio.server.GrpcIoServer;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class RpcServiceTest {

  private static final class Nobody implements CallObserver {

    @Override
    public void started(String method) {}

    @Override
    public void ended(String method, Code code, double seconds) {}

    @Override
    public void connections(int open) {}

    @Override
    public void connectionRefused() {}

    @Override
    public void arrivalRefused() {}
  }

  /** Else the client would wait for as long as its deadline, or for ever. */
  @Test
  void whateverAHandlerThrowsEndsTheCall() throws Exception {
    Map<String, Supplier<Throwable>> thrown = Map.of("stack", StackOverflowError::new, "assertion",
        () -> new AssertionError("not so"), "pointer", () -> new NullPointerException("a.b is null"));
    for (Map.Entry<String, Supplier<Throwable>> each : thrown.entrySet()) {
      assertEquals("the server failed; its log has the reason", told(each.getValue(), false), each.getKey());
      assertEquals("the server failed; its log has the reason", told(each.getValue(), true), each.getKey());
    }
  }

  /** @param later in what the handler has begun */
  private static String told(Supplier<Throwable> failure, boolean later) throws Exception {
    Vertx vertx = Vertx.vertx();
    try {
      Nobody nobody = new Nobody();
      Duration long10 = Duration.ofSeconds(10);
      RpcService.Settings settings = new RpcService.Settings(1 << 20, nobody,
          new Connections(10, new Connections.Times(long10, long10, long10), nobody), new Arrivals(1 << 20, nobody),
          AccessControl.open(vertx, new AccessOptions(Optional.empty(), Optional.empty(), Set.of(), false, Set.of(),
              new Rates(0, 0), long10)), Tracing.off(), ended -> { });
      RpcService service = RpcService.of(ModelServiceGrpc.getServiceDescriptor(), settings)
          .<ListModelsRequest, ListModelsResponse>unary(ModelServiceGrpc.getListModelsMethod(), (request, call) -> {
            if (later) {
              return Future.failedFuture(failure.get());
            }
            throw RpcServiceTest.<RuntimeException>sneaky(failure.get());
          }).build();
      GrpcIoServer grpc = GrpcIoServer.server(vertx);
      grpc.addService(service);
      HttpServer server = vertx.createHttpServer()
          .connectionHandler(settings.connections()::opened)
          .requestHandler(request -> Inbound.hand(request, settings, grpc))
          .listen(0, "127.0.0.1").toCompletionStage().toCompletableFuture().get(20, TimeUnit.SECONDS);
      ManagedChannel channel =
          NettyChannelBuilder.forAddress("127.0.0.1", server.actualPort()).usePlaintext().build();
      try {
        StatusRuntimeException refusal = assertThrows(StatusRuntimeException.class,
            () -> ModelServiceGrpc.newBlockingStub(channel).withDeadlineAfter(20, TimeUnit.SECONDS)
                .listModels(ListModelsRequest.getDefaultInstance()));
        assertEquals(Code.INTERNAL, refusal.getStatus().getCode());
        return String.valueOf(refusal.getStatus().getDescription());
      } finally {
        channel.shutdownNow();
      }
    } finally {
      vertx.close().toCompletionStage().toCompletableFuture().get(20, TimeUnit.SECONDS);
    }
  }

  @SuppressWarnings("unchecked")
  private static <E extends Throwable> E sneaky(Throwable failure) throws E {
    throw (E) failure;
  }
}
