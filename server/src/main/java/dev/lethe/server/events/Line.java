package dev.lethe.server.events;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lethe.models.files.Digests;
import java.nio.charset.StandardCharsets;
import java.time.Instant;

/**
 * A line of the event log.
 *
 * @param number from 1
 * @param hash SHA-256 of the hash before, a line feed and the text; lower-case hexadecimal
 * @param text one JSON object, which begins with {@code number}, {@code time} and {@code event}
 */
public record Line(long number, String hash, String text) {

  /** What the first line follows. */
  static final String BEGINNING = "0".repeat(64);

  private static final ObjectMapper JSON = new ObjectMapper();

  /** The line that follows another. */
  static Line after(long number, String hashBefore, String kind, Instant time, ObjectNode fields) {
    ObjectNode content = JSON.createObjectNode().put("number", number).put("time", time.toString()).put("event", kind);
    fields.fieldNames().forEachRemaining(name -> {
      // Else the line would say that it is another one.
      if (content.has(name)) {
        throw new IllegalArgumentException("a line of the event log cannot have a field of its own called " + name);
      }
    });
    content.setAll(fields);
    String text = content.toString();
    return new Line(number, hash(hashBefore, text), text);
  }

  static String hash(String before, String text) {
    return Digests.sha256((before + "\n" + text).getBytes(StandardCharsets.UTF_8));
  }

  /** @throws IllegalArgumentException if the text is no JSON object any more */
  public ObjectNode content() {
    try {
      if (JSON.readTree(text) instanceof ObjectNode content) {
        return content;
      }
      throw new IllegalArgumentException("line " + number + " of the event log is no JSON object");
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("line " + number + " of the event log cannot be read: " + e.getMessage(), e);
    }
  }

  /** Which number the line gives itself; 0 if it cannot be read. */
  long ownNumber() {
    try {
      JsonNode own = JSON.readTree(text);
      return own == null ? 0 : own.path("number").asLong();
    } catch (JsonProcessingException e) {
      return 0;
    }
  }
}
