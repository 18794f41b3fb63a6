package dev.lethe.server.rest;

import io.vertx.core.buffer.Buffer;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * What an HTTP client is told.
 *
 * @param status HTTP's code
 * @param headers those that belong to the body
 * @param body may be empty
 */
record Answer(int status, Map<String, String> headers, Buffer body) {

  private static final Map<String, String> JSON = Map.of("content-type", "application/json");

  static Answer json(int status, String text) {
    return new Answer(status, JSON, Buffer.buffer(text.getBytes(StandardCharsets.UTF_8)));
  }

  static Answer empty(int status) {
    return new Answer(status, Map.of(), Buffer.buffer());
  }
}
