package dev.lethe.server.unlearning;

import com.google.protobuf.Timestamp;
import java.time.Instant;

/** The clock as Protobuf has it. */
final class Timestamps {

  private Timestamps() {}

  static Timestamp now() {
    Instant now = Instant.now();
    return Timestamp.newBuilder().setSeconds(now.getEpochSecond()).setNanos(now.getNano()).build();
  }
}
