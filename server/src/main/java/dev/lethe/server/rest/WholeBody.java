package dev.lethe.server.rest;

import io.vertx.core.buffer.Buffer;

/** A body that is one message. */
final class WholeBody extends Body {

  private final Exchange exchange;
  private Buffer body = Buffer.buffer();

  WholeBody(Exchange exchange) {
    this.exchange = exchange;
  }

  @Override
  void read(Buffer chunk) {
    int length = Math.addExact(body.length(), chunk.length());
    Exchange.Json json = exchange.json(length);
    if (fits(length, "the body") && fitsJson(json.bytes(), "the body's JSON", json.instead())) {
      body.appendBuffer(chunk);
    } else {
      body = Buffer.buffer();
    }
  }

  @Override
  void finish() {
    add(exchange.request(JsonSource.BODY, body));
    body = Buffer.buffer();
  }
}
