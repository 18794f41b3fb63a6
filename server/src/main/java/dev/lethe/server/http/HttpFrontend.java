package dev.lethe.server.http;

import dev.lethe.server.console.Console;
import dev.lethe.server.logging.SafeText;
import dev.lethe.server.monitoring.ServerMetrics;
import dev.lethe.server.rest.Rest;
import dev.lethe.server.rpc.FailureStatus;
import dev.lethe.server.rpc.Health;
import dev.lethe.server.rpc.Inbound;
import dev.lethe.server.rpc.RpcService;
import dev.lethe.server.security.MethodRule;
import io.grpc.Status;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.netty.handler.flush.FlushConsolidationHandler;
import io.netty.handler.timeout.IdleStateHandler;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.http.Http2Settings;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.net.ServerSSLOptions;
import io.vertx.core.net.impl.ConnectionBase;
import io.vertx.core.net.impl.VertxHandler;
import io.vertx.grpc.server.GrpcServerOptions;
import io.vertx.grpc.server.Service;
import io.vertx.grpcio.server.GrpcIoServer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one port: gRPC (HTTP/2, and gRPC-Web), the same services by HTTP and JSON, and {@code /healthz}, {@code /readyz}
 * and {@code /metrics}.
 * One instance for each event loop; they share the port.
 */
public final class HttpFrontend extends VerticleBase {

  /**
   * How many times in a second a connection may cancel as many calls as it may have open; beyond that it is an attack,
   * and closed. Vert.x's own limit, 200 calls in 30 seconds, is soon reached by clients whose deadlines pass.
   */
  private static final int RESETS_FOR_EACH_STREAM = 4;

  private static final Logger LOG = LoggerFactory.getLogger(HttpFrontend.class);

  /** The characters of names, addresses and ports. */
  private static final Pattern AUTHORITY = Pattern.compile("[\\w.~%!$&'()*+,;=:\\[\\]-]+");

  /** How pages, probes and metrics are asked for. */
  private static final List<String> READ = List.of("GET", "HEAD");

  private final String host;
  private final int port;
  private final Optional<ServerSSLOptions> tls;
  private final Limits limits;
  private final List<Service> services;
  private final RpcService.Settings settings;
  private final Rest rest;
  private final Optional<Console> console;
  private final Origins origins;
  private final Health health;
  private final ServerMetrics metrics;
  private final Duration drain;
  private HttpServer server;

  /**
   * @param port 0 or more; or negative: a free one, the same for all instances with the same number
   * @param tls empty: without TLS
   * @param settings what the services have in common: connections, and who may see the metrics
   * @param rest takes calls by HTTP and JSON
   * @param console empty: there is none
   * @param origins whose pages are answered
   * @param drain how long calls may go on once it is to stop
   */
  public HttpFrontend(String host, int port, Optional<ServerSSLOptions> tls, Limits limits, List<Service> services,
      RpcService.Settings settings, Rest rest, Optional<Console> console, Origins origins, Health health,
          ServerMetrics metrics, Duration drain) {
    this.host = host;
    this.port = port;
    this.tls = tls;
    this.limits = limits;
    this.services = services;
    this.settings = settings;
    this.rest = rest;
    this.console = console;
    this.origins = origins;
    this.health = health;
    this.metrics = metrics;
    this.drain = drain;
  }

  @Override
  public Future<?> start() {
    GrpcIoServer grpc = GrpcIoServer.server(vertx, new GrpcServerOptions()
        .setMaxMessageSize(limits.messageBytes())
        .setScheduleDeadlineAutomatically(true));
    services.forEach(grpc::addService);
    HttpServerOptions options = new HttpServerOptions().setHost(host).setPort(port)
        // curl waits for a word before it sends a large body.
        .setHandle100ContinueAutomatically(true)
        .setInitialSettings(new Http2Settings().setMaxConcurrentStreams(limits.streams()))
        // Until it is known what a connection speaks; from then on it is among the connections, with times of theirs.
        .setIdleTimeout((int) limits.times().handshake().toSeconds())
        .setSslHandshakeTimeout(limits.times().handshake().toSeconds())
        .setHttp2RstFloodWindowDuration(1)
        .setHttp2RstFloodMaxRstFramePerWindow(RESETS_FOR_EACH_STREAM * limits.streams());
    tls.ifPresent(ssl -> options.setSsl(true).setUseAlpn(true).setClientAuth(ssl.getClientAuth())
        .setKeyCertOptions(ssl.getKeyCertOptions()).setTrustOptions(ssl.getTrustOptions()));
    server = vertx.createHttpServer(options);
    server.connectionHandler(connection -> {
      arrange(connection);
      settings.connections().opened(connection);
    });
    server.invalidRequestHandler(HttpFrontend::malformed);
    server.requestHandler(request -> {
      try {
        handle(request, grpc);
      } catch (RuntimeException | Error e) {
        // Vert.x would write it in the log, and the client wait for ever.
        failed(request, e);
      }
    });
    return server.listen();
  }

  private void handle(HttpServerRequest request, GrpcIoServer grpc) {
    if (hostIsAmiss(request)) {
      settings.connections().used(request.connection());
      Rest.refuse(request, Status.INVALID_ARGUMENT.withDescription("host: HTTP/1.1 wants this header in each request,"
          + " once, with a name or an address, and a port if it is not the usual one"));
    } else if (!origins.admit(request)) {
      settings.connections().used(request.connection());
    } else {
      String type = request.getHeader(HttpHeaders.CONTENT_TYPE);
      if (type != null && type.startsWith("application/grpc")) {
        Inbound.hand(request, settings, grpc);
      } else {
        plain(request);
      }
    }
  }

  /** Of two, a proxy in front may have looked at the other one. */
  private static boolean hostIsAmiss(HttpServerRequest request) {
    return request.version() == HttpVersion.HTTP_1_1
        && (request.headers().getAll(HttpHeaders.HOST).size() != 1
            || !AUTHORITY.matcher(request.getHeader(HttpHeaders.HOST)).matches() || request.authority() == null);
  }

  private static void failed(HttpServerRequest request, Throwable failure) {
    Status status = FailureStatus.of(failure);
    if (status.getCode() == Status.Code.UNKNOWN) {
      LOG.error("a request of {} failed", SafeText.line(String.valueOf(request.path()), SafeText.NAME), failure);
      status = Status.INTERNAL.withDescription("the server failed; its log has the reason");
    }
    if (request.response().headWritten()) {
      request.response().reset();
    } else {
      Rest.refuse(request, status);
    }
  }

  /**
   * Vert.x writes headers, message and trailers of an answer to the socket one by one. With the first handler, what one
   * turn of the event loop sends, of all calls, is one system call, and wakes the client once. The second, which closes
   * connections that are silent for a while, would close those whose calls wait. The last two are for HTTP/1 alone.
   */
  private static void arrange(HttpConnection connection) {
    if (connection instanceof ConnectionBase base) {
      ChannelPipeline pipeline = base.channel().pipeline();
      pipeline.addFirst(
          new FlushConsolidationHandler(FlushConsolidationHandler.DEFAULT_EXPLICIT_FLUSH_AFTER_FLUSHES, true));
      if (pipeline.get(IdleStateHandler.class) != null) {
        pipeline.remove(IdleStateHandler.class);
      }
      ChannelHandlerContext last = pipeline.context(VertxHandler.class);
      // HTTP/2 to which HTTP/1 was upgraded still has the decoder, and another handler.
      if (last != null && pipeline.get(HttpRequestDecoder.class) != null) {
        pipeline.addBefore(last.name(), null, new HttpVersions());
        pipeline.addBefore(last.name(), null, new BrokenBodies());
      }
    }
  }

  /** The port that it listens on. */
  public int actualPort() {
    return server.actualPort();
  }

  /** New connections are made with these certificates; those that are open stay as they are. */
  public Future<Boolean> updateTls(ServerSSLOptions changed) {
    return server.updateSSLOptions(changed);
  }

  private void plain(HttpServerRequest request) {
    settings.connections().used(request.connection());
    String path = String.valueOf(request.path());
    switch (path) {
      case "/healthz", "/readyz", MethodRule.METRICS -> {
        if (request.method() == HttpMethod.GET || request.method() == HttpMethod.HEAD) {
          own(request, path);
        } else {
          Rest.notAllowed(request, READ);
        }
      }
      default -> {
        if (console.isPresent() && console.get().holds(path)) {
          if (!console.get().handle(request)) {
            Rest.notAllowed(request, READ);
          }
        } else if (!rest.handle(request)) {
          Rest.notFound(request);
        }
      }
    }
  }

  private void own(HttpServerRequest request, String path) {
    switch (path) {
      case "/healthz" -> answer(request, "ok\n");
      case "/readyz" -> {
        if (health.isServing()) {
          answer(request, "ready\n");
        } else {
          Rest.refuse(request, Status.UNAVAILABLE.withDescription("not ready"));
        }
      }
      default -> settings.access()
          .admit(MethodRule.METRICS, request.getHeader(HttpHeaders.AUTHORIZATION), request.connection())
          .onSuccess(caller -> metrics(request))
          .onFailure(refusal -> Rest.refuse(request, FailureStatus.of(refusal)));
    }
  }

  private void metrics(HttpServerRequest request) {
    // Not on the event loop: some of the JVM's figures are read from files.
    vertx.executeBlocking(metrics::text, false)
        .onSuccess(text -> answer(request.response().putHeader(HttpHeaders.CONTENT_TYPE,
            ServerMetrics.CONTENT_TYPE), request, text))
        .onFailure(e -> Rest.refuse(request, Status.INTERNAL.withDescription("the metrics cannot be collected")));
  }

  /** Of HTTP/1.1; the connection cannot be read any further. */
  private static void malformed(HttpServerRequest request) {
    Throwable cause = request.decoderResult().cause();
    request.response().putHeader(HttpHeaders.CONNECTION, HttpHeaders.CLOSE);
    if (cause instanceof TooLongHttpLineException) {
      Rest.refuse(request, Status.INVALID_ARGUMENT.withDescription("the request's first line is longer than "
          + HttpServerOptions.DEFAULT_MAX_INITIAL_LINE_LENGTH + " bytes"), 414);
    } else if (cause instanceof TooLongHttpHeaderException) {
      Rest.refuse(request, Status.INVALID_ARGUMENT.withDescription("the request's headers are longer than "
          + HttpServerOptions.DEFAULT_MAX_HEADER_SIZE + " bytes"), 431);
    } else if (cause instanceof HttpVersions.UnknownException) {
      Rest.refuse(request, Status.INVALID_ARGUMENT.withDescription("the request is of a version of HTTP that is not"
          + " answered here; use HTTP/1.1, HTTP/1.0 or HTTP/2"), 505);
    } else {
      Rest.refuse(request, Status.INVALID_ARGUMENT.withDescription("the request is no HTTP"), 400);
    }
    request.connection().close();
  }

  private static void answer(HttpServerRequest request, String text) {
    answer(request.response().putHeader(HttpHeaders.CONTENT_TYPE, "text/plain; charset=utf-8"),
        request, text);
  }

  private static void answer(HttpServerResponse response, HttpServerRequest request, String text) {
    if (request.method() == HttpMethod.HEAD) {
      int length = text.getBytes(StandardCharsets.UTF_8).length;
      response.putHeader(HttpHeaders.CONTENT_LENGTH, Integer.toString(length)).end();
    } else {
      response.end(text);
    }
  }

  /** Takes no new calls, and lets those in flight end. */
  @Override
  public Future<?> stop() {
    return server.shutdown(drain.toMillis(), TimeUnit.MILLISECONDS);
  }
}
