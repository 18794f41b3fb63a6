package dev.lethe.server.http;

import dev.lethe.server.logging.SafeText;
import dev.lethe.server.rest.Rest;
import io.grpc.Status;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.net.HostAndPort;
import java.net.URI;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Which pages' requests are answered: those of the server's own pages, and of origins that the operator has named
 * (CORS). Browsers send some requests of any page, with what the user may do here; they are refused, not only kept from
 * being read.
 */
public final class Origins {

  /** Every origin. */
  public static final String ANY = "*";

  /** HTTP's status of a server that is asked by a name that is none of its own. */
  private static final int MISDIRECTED = 421;
  private static final String METHODS = "GET, POST, DELETE";
  private static final String ALLOWED_HEADERS =
      "authorization, content-type, grpc-timeout, inference-header-content-length,"
      + " traceparent, tracestate, x-grpc-web, x-request-id, x-user-agent";
  private static final String EXPOSED_HEADERS = "grpc-message, grpc-retry-pushback-ms, grpc-status,"
      + " inference-header-content-length, retry-after, x-request-id";
  private static final String PREFLIGHT_SECONDS = "600";
  private static final Pattern LOOPBACK =
      Pattern.compile("localhost|(.+\\.)?localhost|127(\\.\\d{1,3}){3}|\\[?::1]?", Pattern.CASE_INSENSITIVE);

  private final Set<String> allowed;
  private final boolean localNames;

  /**
   * @param allowed origins, such as {@code https://example.org}, or {@link #ANY}; none for the server's own pages alone
   * @param localNames whether the server may be called by names of this machine alone: else a page could reach a server
   *     without access control by a name of its own that leads here (DNS rebinding)
   */
  public Origins(Set<String> allowed, boolean localNames) {
    this.allowed = Set.copyOf(allowed);
    this.localNames = localNames;
  }

  /** @return false if the request was answered: it asked what is allowed, or is not allowed */
  public boolean admit(HttpServerRequest request) {
    String origin = request.getHeader(HttpHeaders.ORIGIN);
    HttpServerResponse response = request.response();
    if (origin != null) {
      response.putHeader(HttpHeaders.VARY, "origin");
    }
    boolean named = origin != null && (allowed.contains(ANY) || allowed.contains(origin.toLowerCase(Locale.ROOT)));
    if (named) {
      response.putHeader("access-control-allow-origin", origin);
      response.putHeader("access-control-expose-headers", EXPOSED_HEADERS);
    } else if (origin != null && !isOwn(request, origin)) {
      Rest.refuse(request, Status.PERMISSION_DENIED.withDescription("origin: pages of "
          + SafeText.bounded(origin, SafeText.NAME) + " may not ask this server; its operator can let them, by"
          + " --cors-origins"));
      return false;
    } else if (localNames && isBrowserable(request) && !isLocal(request.authority())) {
      Rest.refuse(request,
          Status.PERMISSION_DENIED.withDescription("host: this server, which everyone who reaches it may"
          + " use, answers to names of its own machine alone: ask localhost; its operator can let pages of other "
          + "names in,"
          + " by --cors-origins"), MISDIRECTED);
      return false;
    }
    if (request.method() == HttpMethod.OPTIONS && origin != null
        && request.getHeader("access-control-request-method") != null) {
      if (named) {
        response.putHeader("access-control-allow-methods", METHODS);
        response.putHeader("access-control-allow-headers", ALLOWED_HEADERS);
        response.putHeader("access-control-max-age", PREFLIGHT_SECONDS);
      }
      response.setStatusCode(204).end();
      return false;
    }
    return true;
  }

  /** No browser speaks HTTP/2 without TLS, as most gRPC clients of this machine do. */
  private static boolean isBrowserable(HttpServerRequest request) {
    return request.isSSL() || request.version() != HttpVersion.HTTP_2;
  }

  private boolean isLocal(@Nullable HostAndPort named) {
    return named == null || LOOPBACK.matcher(named.host()).matches()
        || allowed.stream().anyMatch(origin -> origin.equals(ANY) || named.host().equalsIgnoreCase(host(origin)));
  }

  private static @Nullable String host(String origin) {
    try {
      return URI.create(origin).getHost();
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  /** Whether the page comes from where it asks; behind a proxy that changes names, the browser says so. */
  private static boolean isOwn(HttpServerRequest request, String origin) {
    if ("same-origin".equals(request.getHeader("sec-fetch-site"))) {
      return true;
    }
    HostAndPort here = request.authority();
    if (here == null) {
      return false;
    }
    try {
      URI page = URI.create(origin);
      int port = page.getPort() >= 0 ? page.getPort() : "https".equals(page.getScheme()) ? 443 : 80;
      int own = here.port() >= 0 ? here.port() : request.isSSL() ? 443 : 80;
      return page.getHost() != null && page.getHost().equalsIgnoreCase(here.host()) && port == own;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }
}
