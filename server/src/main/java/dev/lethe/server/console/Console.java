package dev.lethe.server.console;

import dev.lethe.models.files.Digests;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The console's files, all in memory. They tell nothing of this server: what they show they ask for by HTTP, with the
 * user's token.
 */
public final class Console {

  private static final String ROOT = "/console";
  private static final List<String> FILES = List.of("index.html", "style.css", "icon.svg", "app.js", "api.js",
      "charts.js",
      "erase.js", "gallery.js", "jobs.js", "models.js", "parts.js");
  /** Preact and its templates, in one file that needs no other. */
  private static final String PREACT = "/META-INF/resources/_static/htm/3.1.1/preact/standalone.module.js";
  private static final Map<String, String> TYPES = Map.of("html", "text/html; charset=utf-8", "css",
      "text/css; charset=utf-8", "js", "text/javascript; charset=utf-8", "svg", "image/svg+xml");
  /** Nothing from elsewhere, nothing within a page's text, and in no other page's frame. */
  private static final String POLICY =
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:;"
      + " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

  private final Map<String, Page> pages = new HashMap<>();

  private record Page(String type, Buffer bytes, String tag) {}

  public Console() {
    FILES.forEach(name -> add(name, name));
    add("lib/preact.js", PREACT);
    pages.put("", pages.get("index.html"));
  }

  private void add(String name, String resource) {
    try (InputStream in = Console.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new IllegalStateException("the console lacks " + resource);
      }
      byte[] bytes = in.readAllBytes();
      String tag = '"' + Digests.sha256(bytes).substring(0, 16) + '"';
      pages.put(name, new Page(TYPES.get(name.substring(name.lastIndexOf('.') + 1)), Buffer.buffer(bytes), tag));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Whether there is a page at a path. */
  public boolean holds(String path) {
    return path.equals(ROOT) || path.startsWith(ROOT + "/") && pages.containsKey(path.substring(ROOT.length() + 1));
  }

  /** @return false if the request is for nothing of the console's; then nothing has happened */
  public boolean handle(HttpServerRequest request) {
    String path = request.path();
    boolean reads = request.method() == HttpMethod.GET || request.method() == HttpMethod.HEAD;
    if (path == null || !reads) {
      return false;
    }
    HttpServerResponse response = request.response();
    if (path.equals(ROOT)) {
      response.setStatusCode(308).putHeader(HttpHeaders.LOCATION, ROOT + "/").end();
      return true;
    }
    Page page = path.startsWith(ROOT + "/") ? pages.get(path.substring(ROOT.length() + 1)) : null;
    if (page == null) {
      return false;
    }
    response.putHeader("content-security-policy", POLICY)
        .putHeader("cross-origin-opener-policy", "same-origin")
        .putHeader("referrer-policy", "no-referrer")
        .putHeader("x-content-type-options", "nosniff")
        .putHeader(HttpHeaders.CACHE_CONTROL, "no-cache")
        .putHeader(HttpHeaders.ETAG, page.tag());
    if (page.tag().equals(request.getHeader(HttpHeaders.IF_NONE_MATCH))) {
      response.setStatusCode(304).end();
      return true;
    }
    response.putHeader(HttpHeaders.CONTENT_TYPE, page.type());
    if (request.method() == HttpMethod.HEAD) {
      response.putHeader(HttpHeaders.CONTENT_LENGTH, Integer.toString(page.bytes().length())).end();
    } else {
      response.end(page.bytes());
    }
    return true;
  }
}
