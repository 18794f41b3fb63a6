package dev.lethe.server;

import dev.lethe.server.config.Configuration;
import dev.lethe.server.config.Setting;
import dev.lethe.server.config.ValueType;
import dev.lethe.server.http.Limits;
import dev.lethe.server.inference.BatchingOptions;
import dev.lethe.server.rpc.Connections;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;

/** The settings of batching, and of how much clients may ask for. */
final class LoadSettings {

  static final Setting<Integer> MAX_BATCH = new Setting<>("max-batch", "N", "0", ValueType.integer(0, 1024),
      "Most images in one batch; 0 for 8, and fewer where a batch would be larger than an image of 256 x 256 on a CPU,"
          + " of 1024 x 1024 on a GPU.");
  static final Setting<Double> MAX_QUEUE_DELAY = new Setting<>("max-queue-delay", "MS", "0",
      ValueType.number(0, 10_000), "How long a batch that is not full waits for more images while another one is"
          + " computed, in milliseconds, fractions allowed. A request to an idle server never waits.");
  static final Setting<Integer> CONCURRENCY = new Setting<>("concurrency", "N", "2", ValueType.integer(1, 64),
      "Batches of one model version under way at once: with 2, one is computed while the images of the other are"
          + " encoded.");
  static final Setting<Integer> MAX_QUEUE = new Setting<>("max-queue", "N", "1024", ValueType.integer(1, 1_000_000),
      "Images of one model version that may wait; above that, calls are refused and told when to try again.");
  static final Setting<Integer> MAX_IMAGES = new Setting<>("max-images", "N", "256", ValueType.integer(1, 65_536),
      "Most images in one answer of Generate or ModelInfer.");
  static final Setting<Integer> MAX_STREAM_IMAGES = new Setting<>("max-stream-images", "N", "100000",
      ValueType.integer(1, Integer.MAX_VALUE), "Most images in one call of GenerateStream.");
  static final Setting<Integer> MAX_MESSAGE = new Setting<>("max-message", "MIB", "32", ValueType.integer(1, 1023),
      "Largest message of a client, in MiB.");
  static final Setting<Integer> MAX_ARRIVING = new Setting<>("max-arriving", "MIB", "0",
      ValueType.integer(0, 1 << 20), "Messages of all clients together that are coming in or wait their turn, in MiB;"
          + " calls above that are refused and told when to try again. 0 for an eighth of Java's memory.");
  static final Setting<Integer> MAX_CONNECTIONS = new Setting<>("max-connections", "N", "1024",
      ValueType.integer(1, 1_000_000), "Open connections; the calls of one more are refused.");
  static final Setting<Integer> MAX_STREAMS = new Setting<>("max-streams", "N", "256", ValueType.integer(1, 100_000),
      "Calls at once on one connection; clients hold back what is above.");

  static final Setting<Integer> HANDSHAKE_TIMEOUT = new Setting<>("handshake-timeout", "SECONDS", "10",
      ValueType.integer(1, 3600), "How long a new connection may take to show that its client speaks HTTP.");
  static final Setting<Integer> KEEPALIVE = new Setting<>("keepalive", "SECONDS", "30", ValueType.integer(1, 86_400),
      "How often a client of HTTP/2 is asked for a sign of life (PING); one that has given none when the next is due"
          + " is taken for gone. A call fails of whose message nothing more has come for that long.");
  static final Setting<Integer> IDLE_TIMEOUT = new Setting<>("idle-timeout", "SECONDS", "300",
      ValueType.integer(1, 86_400), "How long a connection may be open without a call.");

  /** Those of {@link #batching}. */
  static final List<Setting<?>> BATCHING = List.of(MAX_BATCH, MAX_QUEUE_DELAY, CONCURRENCY, MAX_QUEUE);

  static final List<Setting<?>> ALL = Stream.concat(BATCHING.stream(),
      Stream.of(MAX_IMAGES, MAX_STREAM_IMAGES, MAX_MESSAGE, MAX_ARRIVING, MAX_CONNECTIONS, MAX_STREAMS,
          HANDSHAKE_TIMEOUT, KEEPALIVE, IDLE_TIMEOUT))
      .<Setting<?>>map(setting -> setting).toList();

  private LoadSettings() {}

  static BatchingOptions batching(Configuration settings) {
    Duration delay = Duration.ofNanos(Math.round(settings.get(MAX_QUEUE_DELAY) * 1e6));
    return new BatchingOptions(settings.get(MAX_BATCH), delay, settings.get(CONCURRENCY), settings.get(MAX_QUEUE));
  }

  static Limits limits(Configuration settings) {
    return new Limits(settings.get(MAX_MESSAGE) << 20, arriving(settings), settings.get(MAX_IMAGES),
        settings.get(MAX_STREAM_IMAGES), settings.get(MAX_CONNECTIONS), times(settings),
        settings.get(MAX_STREAMS));
  }

  private static Connections.Times times(Configuration settings) {
    return new Connections.Times(Duration.ofSeconds(settings.get(HANDSHAKE_TIMEOUT)),
        Duration.ofSeconds(settings.get(KEEPALIVE)), Duration.ofSeconds(settings.get(IDLE_TIMEOUT)));
  }

  /** What a message becomes in memory is several times as large. */
  private static long arriving(Configuration settings) {
    int asked = settings.get(MAX_ARRIVING);
    return asked == 0 ? Runtime.getRuntime().maxMemory() / 8 : (long) asked << 20;
  }
}
