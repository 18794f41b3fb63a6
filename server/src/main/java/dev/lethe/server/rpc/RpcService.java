package dev.lethe.server.rpc;

import com.google.protobuf.Descriptors;
import dev.lethe.server.security.AccessControl;
import dev.lethe.server.security.MethodRule;
import dev.lethe.server.tracing.Tracing;
import io.grpc.MethodDescriptor;
import io.grpc.ServiceDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.ProtoServiceDescriptorSupplier;
import io.netty.buffer.ByteBufInputStream;
import io.vertx.core.Future;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.internal.buffer.BufferInternal;
import io.vertx.grpc.common.GrpcMessage;
import io.vertx.grpc.common.ServiceName;
import io.vertx.grpc.common.WireFormat;
import io.vertx.grpc.server.GrpcServer;
import io.vertx.grpc.server.GrpcServerRequest;
import io.vertx.grpc.server.Service;
import io.vertx.grpcio.server.GrpcIoServer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.zip.GZIPInputStream;

/**
 * A gRPC service by the descriptors that grpc-java generated, on Vert.x's own request and response streams.
 *
 * <p>Vert.x's bridge for grpc-java service classes is not used: behind it a service cannot see that its client has
 * gone, every call with a deadline leaves a timer behind until that deadline, and a compressed message is inflated
 * without a limit.
 */
public final class RpcService implements Service {

  /** A refused call tells what it is about within this time, if at all, and in a message no larger than that. */
  private static final long REFUSAL_MS = 1000;
  private static final int LARGEST_REFUSED = 64 << 10;

  private final ServiceName name;
  private final Descriptors.ServiceDescriptor descriptor;
  private final Settings settings;
  private final List<Endpoint<?, ?>> endpoints;

  private RpcService(Builder builder) {
    this.name = ServiceName.create(builder.descriptor.getName());
    this.descriptor = ((ProtoServiceDescriptorSupplier) builder.descriptor.getSchemaDescriptor())
        .getServiceDescriptor();
    this.settings = builder.settings;
    this.endpoints = builder.endpoints.stream().<Endpoint<?, ?>>map(unbound -> unbound.apply(this)).toList();
  }

  /**
   * What all services of a server have in common.
   *
   * @param maxMessageBytes limit of one message from a client, inflated
   * @param observer told of every call
   * @param connections ends calls with their connection
   * @param arrivals bounds the messages of all calls that are coming in
   * @param access decides who may call
   * @param tracing makes a span of every call
   * @param log told of every call that is over, on the call's event loop: it must not block
   */
  public record Settings(int maxMessageBytes, CallObserver observer, Connections connections, Arrivals arrivals,
      AccessControl access, Tracing tracing, Consumer<EndedCall> log) {}

  public static Builder of(ServiceDescriptor descriptor, Settings settings) {
    return new Builder(descriptor, settings);
  }

  @Override
  public ServiceName name() {
    return name;
  }

  @Override
  public Descriptors.ServiceDescriptor descriptor() {
    return descriptor;
  }

  @Override
  public void bind(GrpcServer server) {
    endpoints.forEach(endpoint -> endpoint.bind((GrpcIoServer) server));
  }

  /** Its methods, for other ways in than gRPC. */
  public List<Endpoint<?, ?>> endpoints() {
    return endpoints;
  }

  /**
   * A method, and what takes its calls, by whatever way they have come: checks who calls, decodes, serves, answers.
   *
   * @param handler to be run on the call's context, while {@link Inbound#hand} is under way
   */
  public record Endpoint<Q, R>(MethodDescriptor<Q, R> method, Consumer<GrpcServerRequest<Q, R>> handler) {

    private void bind(GrpcIoServer server) {
      server.callHandler(method, handler::accept);
    }
  }

  private <Q, R> void accept(MethodDescriptor<Q, R> method, GrpcServerRequest<Q, R> request,
      Optional<BiConsumer<Q, Call<R>>> subject, Function<Call<R>, Sink<Q>> open) {
    Call<R> call = new Call<>(request, settings);
    // Messages come one at a time, each after the one before was dealt with.
    request.pause();
    request.invalidMessageHandler(tooLarge -> call.fail(tooLarge(method)));
    if (request.format() != WireFormat.PROTOBUF) {
      call.fail(Status.UNIMPLEMENTED.withDescription("messages must be binary Protobuf (application/grpc)")
          .asRuntimeException());
      return;
    }
    call.here(settings.access().admit(method.getFullMethodName(),
        request.headers().get(HttpHeaders.AUTHORIZATION), request.connection()))
        .onFailure(refusal -> {
          call.refused(refusal);
          subject.ifPresentOrElse(tell -> refuse(method, request, tell, call, refusal), () -> call.fail(refusal));
        })
        .onSuccess(caller -> {
          if (!call.isOver()) {
            call.admitted(caller);
            call.step(() -> serve(method, request, subject, open, call));
          }
        });
  }

  /** Fails a call once it is known what it would have been about, for the audit log, or does not come to light. */
  private <Q, R> void refuse(MethodDescriptor<Q, R> method, GrpcServerRequest<Q, R> request,
      BiConsumer<Q, Call<R>> subject, Call<R> call, Throwable refusal) {
    request.messageHandler(message -> call.step(() -> {
      if (!call.isOver() && message.payload().length() <= LARGEST_REFUSED) {
        try {
          subject.accept(decode(method, message, call.inbound()).message(), call);
        } catch (RuntimeException | Error e) {
          // A message that cannot be read says nothing; the refusal says enough.
        }
      }
      call.fail(refusal);
      request.fetch(1);
    }));
    request.endHandler(end -> call.fail(refusal));
    call.inbound().limit(LARGEST_REFUSED, () -> call.fail(refusal));
    call.context().owner().setTimer(REFUSAL_MS, late -> call.fail(refusal));
    request.fetch(1);
  }

  /** Whatever is thrown ends the call, errors of the machine included: Vert.x would leave it open. */
  private <Q, R> void serve(MethodDescriptor<Q, R> method, GrpcServerRequest<Q, R> request,
      Optional<BiConsumer<Q, Call<R>>> subject, Function<Call<R>, Sink<Q>> open, Call<R> call) {
    Sink<Q> sink;
    try {
      if (!isOpenToAll(method)) {
        settings.connections().check(request.connection());
      }
      sink = open.apply(call);
    } catch (RuntimeException | Error e) {
      call.fail(e);
      return;
    }
    call.onAbandoned(sink::abandoned);
    request.messageHandler(message -> call.step(() -> {
      if (call.isOver()) {
        request.fetch(1);
        return;
      }
      Inbound inbound = call.inbound();
      inbound.taking();
      try {
        Decoded<Q> decoded = decode(method, message, inbound);
        subject.ifPresent(tell -> tell.accept(decoded.message(), call));
        sink.message(decoded.message()).onFailure(call::fail).onComplete(done -> {
          inbound.taken(Inbound.bytesOf(message));
          // A call's only message is with it until its end.
          if (!method.getType().clientSendsOneMessage()) {
            inbound.dealtWith(decoded.bytes());
          }
          request.fetch(1);
        });
      } catch (RuntimeException | Error e) {
        call.fail(e);
        request.fetch(1);
      }
    }));
    request.endHandler(end -> call.step(() -> {
      if (!call.isOver()) {
        try {
          sink.end();
        } catch (RuntimeException | Error e) {
          call.fail(e);
        }
      }
    }));
    request.fetch(1);
  }

  /** Questions about the server's health are answered where no other call is. */
  private static boolean isOpenToAll(MethodDescriptor<?, ?> method) {
    return MethodRule.of(method.getFullMethodName()).map(MethodRule::open).orElse(false);
  }

  /** @param bytes that count for it, among all that are coming in */
  private record Decoded<Q>(Q message, int bytes) {}

  private <Q> Decoded<Q> decode(MethodDescriptor<Q, ?> method, GrpcMessage message, Inbound inbound) {
    int bytes = Inbound.bytesOf(message);
    InputStream encoded = new ByteBufInputStream(((BufferInternal) message.payload()).getByteBuf().duplicate());
    switch (message.encoding()) {
      case "identity" -> { }
      case "gzip" -> {
        byte[] inflated = inflate(method, encoded);
        int more = Math.max(0, inflated.length - message.payload().length());
        inbound.inflated(more);
        bytes += more;
        encoded = new ByteArrayInputStream(inflated);
      }
      default -> throw Status.UNIMPLEMENTED.withDescription("message compression " + message.encoding()
          + " is not supported: use gzip or none").asRuntimeException();
    }
    try {
      return new Decoded<>(method.parseRequest(encoded), bytes);
    } catch (StatusRuntimeException e) {
      throw Status.INVALID_ARGUMENT.withDescription("a message is no " + method.getBareMethodName() + " request: "
          + e.getStatus().getDescription()).asRuntimeException();
    }
  }

  private byte[] inflate(MethodDescriptor<?, ?> method, InputStream compressed) {
    try (InputStream in = new GZIPInputStream(compressed)) {
      byte[] bytes = in.readNBytes(settings.maxMessageBytes() + 1);
      if (bytes.length > settings.maxMessageBytes()) {
        throw tooLarge(method);
      }
      return bytes;
    } catch (IOException e) {
      throw Status.INVALID_ARGUMENT.withDescription("a message said to be gzip is not: " + e.getMessage())
          .asRuntimeException();
    }
  }

  private RuntimeException tooLarge(MethodDescriptor<?, ?> method) {
    return Status.RESOURCE_EXHAUSTED.withDescription("a message of " + method.getBareMethodName()
        + " exceeds the limit of " + settings.maxMessageBytes() + " bytes").asRuntimeException();
  }

  /** Collects a service's methods. */
  public static final class Builder {

    private final ServiceDescriptor descriptor;
    private final Settings settings;
    private final List<Function<RpcService, Endpoint<?, ?>>> endpoints = new ArrayList<>();

    private Builder(ServiceDescriptor descriptor, Settings settings) {
      this.descriptor = descriptor;
      this.settings = settings;
    }

    /** One message in, one out; the future completes on the call's context. */
    public <Q, R> Builder unary(MethodDescriptor<Q, R> method, BiFunction<Q, Call<R>, Future<R>> handler) {
      return streaming(method, Optional.empty(), once(handler));
    }

    /**
     * The same for a method whose calls leave a line in the audit log.
     *
     * @param subject tells what a call is about, from its message; also of a call that is refused
     */
    public <Q, R> Builder audited(MethodDescriptor<Q, R> method, BiConsumer<Q, Call<R>> subject,
        BiFunction<Q, Call<R>, Future<R>> handler) {
      return streaming(method, Optional.of(subject), once(handler));
    }

    private static <Q, R> Function<Call<R>, Sink<Q>> once(BiFunction<Q, Call<R>, Future<R>> handler) {
      return call -> new SingleMessage<>(call, (message, same) ->
          handler.apply(message, same).onFailure(same::fail).onSuccess(answer -> {
            same.send(answer);
            same.finish();
          }));
    }

    /** One message in, an answer that does not have to wait for anything. */
    public <Q, R> Builder immediate(MethodDescriptor<Q, R> method, Function<Q, R> handler) {
      return unary(method, (message, call) -> Future.succeededFuture(handler.apply(message)));
    }

    /** One message in, any number out. */
    public <Q, R> Builder serverStreaming(MethodDescriptor<Q, R> method, BiConsumer<Q, Call<R>> handler) {
      return streaming(method, call -> new SingleMessage<>(call, handler));
    }

    /** Any number of messages in, any number out. */
    public <Q, R> Builder streaming(MethodDescriptor<Q, R> method, Function<Call<R>, Sink<Q>> open) {
      return streaming(method, Optional.empty(), open);
    }

    /** The same, audited; the subject is told of each message before the sink. */
    public <Q, R> Builder auditedStreaming(MethodDescriptor<Q, R> method, BiConsumer<Q, Call<R>> subject,
        Function<Call<R>, Sink<Q>> open) {
      return streaming(method, Optional.of(subject), open);
    }

    private <Q, R> Builder streaming(MethodDescriptor<Q, R> method, Optional<BiConsumer<Q, Call<R>>> subject,
        Function<Call<R>, Sink<Q>> open) {
      endpoints.add(service -> new Endpoint<>(method, request -> service.accept(method, request, subject, open)));
      return this;
    }

    public RpcService build() {
      return new RpcService(this);
    }
  }

  /** The sink of a method whose client sends exactly one message. */
  private static final class SingleMessage<Q, R> implements Sink<Q> {

    private final Call<R> call;
    private final BiConsumer<Q, Call<R>> handler;
    private Q message;

    SingleMessage(Call<R> call, BiConsumer<Q, Call<R>> handler) {
      this.call = call;
      this.handler = handler;
    }

    @Override
    public Future<Void> message(Q next) {
      if (message != null) {
        throw Status.INVALID_ARGUMENT.withDescription("this method takes one message, not several")
            .asRuntimeException();
      }
      message = next;
      return Future.succeededFuture();
    }

    @Override
    public void end() {
      if (message == null) {
        throw Status.INVALID_ARGUMENT.withDescription("this method takes one message, and none came")
            .asRuntimeException();
      }
      handler.accept(message, call);
    }

    @Override
    public void abandoned() {
      message = null;
    }
  }
}
