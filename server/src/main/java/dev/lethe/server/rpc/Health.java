package dev.lethe.server.rpc;

import dev.lethe.server.logging.SafeText;
import io.grpc.Status;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.vertx.grpc.server.Service;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * {@code grpc.health.v1}: the server as a whole (the empty name) and each of its services are SERVING or NOT_SERVING
 * together.
 */
public final class Health {

  private final Set<Watcher> watchers = ConcurrentHashMap.newKeySet();
  private final Set<String> services;
  private volatile ServingStatus status = ServingStatus.NOT_SERVING;

  /** @param services full names of the services */
  public Health(Set<String> services) {
    this.services = Set.copyOf(services);
  }

  public boolean isServing() {
    return status == ServingStatus.SERVING;
  }

  /** Tells all that watch. Any thread may call it. */
  public void serving(boolean serving) {
    status = serving ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
    watchers.forEach(watcher -> watcher.call.context().runOnContext(v -> watcher.tell()));
  }

  /** Not serving from now on; those that watch are told and let go, so that they do not hold up the end. */
  public void end() {
    serving(false);
    watchers.forEach(watcher -> watcher.call.context().runOnContext(v -> watcher.call.fail(
        Status.UNAVAILABLE.withDescription("the server is shutting down").asRuntimeException())));
  }

  public Service service(RpcService.Settings settings) {
    return RpcService.of(HealthGrpc.getServiceDescriptor(), settings)
        .immediate(HealthGrpc.getCheckMethod(), this::check)
        .serverStreaming(HealthGrpc.getWatchMethod(), this::watch)
        .build();
  }

  private HealthCheckResponse check(HealthCheckRequest request) {
    ServingStatus answer = of(request.getService());
    if (answer == ServingStatus.SERVICE_UNKNOWN) {
      throw Status.NOT_FOUND.withDescription("service: this server has no "
          + SafeText.bounded(request.getService(), SafeText.NAME))
          .asRuntimeException();
    }
    return HealthCheckResponse.newBuilder().setStatus(answer).build();
  }

  private void watch(HealthCheckRequest request, Call<HealthCheckResponse> call) {
    Watcher watcher = new Watcher(request.getService(), call);
    watchers.add(watcher);
    call.onAbandoned(() -> watchers.remove(watcher));
    call.onDrain(watcher::tell);
    watcher.tell();
  }

  private ServingStatus of(String service) {
    return service.isEmpty() || services.contains(service) ? status : ServingStatus.SERVICE_UNKNOWN;
  }

  private final class Watcher {

    private final String service;
    private final Call<HealthCheckResponse> call;
    private ServingStatus told;

    Watcher(String service, Call<HealthCheckResponse> call) {
      this.service = service;
      this.call = call;
    }

    /** Sends the status of now if it is news; a client that does not read gets the last one once it does. */
    void tell() {
      ServingStatus now = of(service);
      if (now != told && !call.isFull()) {
        told = now;
        call.send(HealthCheckResponse.newBuilder().setStatus(now).build());
      }
    }
  }
}
