package dev.lethe.server.rpc;

import java.util.HexFormat;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Pattern;

/** The name of one request, the client's own or a new one, by which its log lines are found. */
final class RequestId {

  /** In requests, taken over; in responses, always there. */
  static final String HEADER = "x-request-id";
  /** Its key in the log's context. */
  static final String LOG_KEY = "request_id";

  // What a log line holds must not be able to forge another one.
  private static final Pattern ACCEPTED = Pattern.compile("[A-Za-z0-9._:/+=-]{1,128}");

  private RequestId() {}

  /** @param asked the client's; null if it has none */
  static String of(String asked) {
    return asked != null && ACCEPTED.matcher(asked).matches() ? asked
        : HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong());
  }
}
