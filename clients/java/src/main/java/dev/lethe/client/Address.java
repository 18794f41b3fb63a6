package dev.lethe.client;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where a server is: {@code HOST}, {@code HOST:PORT}, or a URL of these with {@code http://} (without TLS) or {@code
 * https://} (with it). An IPv6 address is in brackets where a port follows.
 *
 * @param port where none is named: {@link LetheClient#DEFAULT_PORT}; of URLs theirs, 80 and 443
 * @param tls whether TLS is spoken; empty where the address does not say
 */
record Address(String host, int port, Optional<Boolean> tls) {

  private static final Pattern FORM = Pattern.compile(
      "(?:(?<scheme>https?)://)?(?:\\[(?<v6>[0-9a-fA-F:.]+(?:%\\w+)?)]|(?<name>[^\\s:/?#@\\[\\]]+))(?::(?<port>\\d{1,5}))?"
          + "(?<slash>/)?", Pattern.CASE_INSENSITIVE);
  private static final int HTTP = 80;
  private static final int HTTPS = 443;
  private static final int MOST = 65535;

  /** @throws IllegalArgumentException if it is none; the message does not repeat it */
  static Address parse(String text) {
    Matcher parts = FORM.matcher(text.strip());
    String wanted = "HOST, HOST:PORT, http://HOST:PORT or https://HOST:PORT, for example localhost:"
        + LetheClient.DEFAULT_PORT;
    if (!parts.matches() || parts.group("slash") != null && parts.group("scheme") == null) {
      throw new IllegalArgumentException("it must be " + wanted);
    }
    Optional<Boolean> tls = Optional.ofNullable(parts.group("scheme")).map("https"::equalsIgnoreCase);
    int port = parts.group("port") != null ? Integer.parseInt(parts.group("port"))
        : tls.map(secure -> secure ? HTTPS : HTTP).orElse(LetheClient.DEFAULT_PORT);
    if (port < 1 || port > MOST) {
      throw new IllegalArgumentException("its port must be from 1 to " + MOST);
    }
    return new Address(parts.group("v6") != null ? parts.group("v6") : parts.group("name"), port, tls);
  }
}
