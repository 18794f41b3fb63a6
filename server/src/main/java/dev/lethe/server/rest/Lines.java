package dev.lethe.server.rest;

import io.vertx.core.buffer.Buffer;

/** A body with a message in each line (NDJSON). */
final class Lines extends Body {

  private final Exchange exchange;
  private Buffer line = Buffer.buffer();
  private long number;
  // Bytes of blank lines since the last message.
  private int blank;

  Lines(Exchange exchange) {
    this.exchange = exchange;
  }

  @Override
  void read(Buffer chunk) {
    int start = 0;
    for (int at = 0; at < chunk.length(); at++) {
      if (chunk.getByte(at) == '\n') {
        if (!append(chunk.slice(start, at))) {
          return;
        }
        finish();
        start = at + 1;
      }
    }
    append(chunk.slice(start, chunk.length()));
  }

  private boolean append(Buffer part) {
    int length = Math.addExact(line.length(), part.length());
    // Blank lines are no message, however many they are; among those that wait they count.
    boolean fits = fitsJson(length + (long) blank, "a line of JSON", exchange.json(length).instead());
    line = fits ? line.appendBuffer(part) : Buffer.buffer();
    return fits;
  }

  @Override
  void finish() {
    Buffer whole = line;
    number++;
    line = Buffer.buffer();
    if (whole.toString().isBlank()) {
      blank += whole.length() + 1;
    } else {
      blank = 0;
      add(exchange.request(JsonSource.line(number), whole));
    }
  }
}
