package dev.lethe.server.provenance;

import java.nio.charset.StandardCharsets;
import java.util.Base64;

/** Keys in PEM (RFC 7468), byte for byte as OpenSSL writes them. */
final class Pem {

  private static final int LINE = 64;

  private Pem() {}

  static String encode(byte[] der, String type) {
    String body = Base64.getMimeEncoder(LINE, new byte[] {'\n'}).encodeToString(der);
    return "-----BEGIN " + type + "-----\n" + body + "\n-----END " + type + "-----\n";
  }

  /** @throws IllegalArgumentException if the text is none of this type, with what it is */
  static byte[] decode(String pem, String type) {
    String begin = "-----BEGIN " + type + "-----";
    String end = "-----END " + type + "-----";
    int from = pem.indexOf(begin);
    int to = pem.indexOf(end);
    if (from < 0 || to < from) {
      throw new IllegalArgumentException("it has no \"" + begin + "\"" + (pem.contains("-----BEGIN")
          ? ", but another kind of key" : ""));
    }
    return Base64.getMimeDecoder().decode(pem.substring(from + begin.length(), to)
        .getBytes(StandardCharsets.US_ASCII));
  }
}
