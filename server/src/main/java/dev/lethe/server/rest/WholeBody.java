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
    if (fits(body.length() + (long) chunk.length())) {
      body.appendBuffer(chunk);
    } else {
      body = Buffer.buffer();
    }
  }

  @Override
  void finish() {
    add(exchange.request(body));
    body = Buffer.buffer();
  }
}
