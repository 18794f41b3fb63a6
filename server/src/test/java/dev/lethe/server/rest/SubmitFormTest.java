package dev.lethe.server.rest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.vertx.core.buffer.Buffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SubmitFormTest {

  private static final String FORM = "--b\r\ncontent-disposition: form-data; name=\"spec\"\r\n\r\n{}\r\n"
      + "--b\r\ncontent-disposition: form-data; name=\"unlearn\"; filename=\"7/a.png\"\r\n\r\nfirst\r\n"
      + "--b\r\ncontent-disposition: form-data; name=\"unlearn\"; filename=\"7/b.png\"\r\n\r\nsecond\r\n--b--\r\n";

  private static int messages(byte[] body, int chunk) {
    SubmitForm form = new SubmitForm("multipart/form-data; boundary=b");
    form.maxMessageSize(1 << 20);
    for (int at = 0; at < body.length; at += chunk) {
      form.update(Buffer.buffer(Arrays.copyOfRange(body, at, Math.min(body.length, at + chunk))));
    }
    form.end();
    int messages = 0;
    while (form.next() != null) {
      messages++;
    }
    return messages;
  }

  private static String refusal(String body) {
    StatusRuntimeException refusal = assertThrows(StatusRuntimeException.class,
        () -> messages(body.getBytes(StandardCharsets.US_ASCII), body.length() + 1));
    assertEquals(Status.Code.INVALID_ARGUMENT, refusal.getStatus().getCode());
    String message = String.valueOf(refusal.getStatus().getDescription());
    assertFalse(message.contains("Exception") || message.contains("netty"), message);
    return message;
  }

  /** Else fewer photos than were meant would be erased. */
  @Test
  void aFormIsWholeOrRefusedWhereverItIsCut() {
    byte[] whole = FORM.getBytes(StandardCharsets.US_ASCII);
    // The line's end after the boundary is no part of it.
    int closed = whole.length - 2;
    for (int chunk : new int[] {1, 7, whole.length}) {
      for (int length = 0; length <= whole.length; length++) {
        byte[] cut = Arrays.copyOf(whole, length);
        int pieces = chunk;
        if (length < closed) {
          assertThrows(StatusRuntimeException.class, () -> messages(cut, pieces), () -> "at " + cut.length);
        } else {
          assertEquals(3, messages(cut, pieces), "at " + length + ", in pieces of " + chunk);
        }
      }
    }
    assertTrue(refusal(FORM.substring(0, FORM.length() - 10)).contains("ends early (whole parts: 2)"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"garbage", "garbage\r\n", "{\"a\": 1}", "--c\r\n\r\n--c--\r\n"})
  void whatIsNoFormIsRefused(String body) {
    refusal(body);
  }

  @ParameterizedTest
  @ValueSource(strings = {"content-disposition: form-data", "content-disposition: form-data; name=\"\"",
      "content-disposition: form-data; filename=\"7/a.png\"", "content-disposition:", "x: y", "",
      "content-disposition: form-data; name=\"spec\"\r\ncontent-transfer-encoding: none",
      "content-disposition: form-data; name=\"spec\"\r\ncontent-type: text/plain; charset=none",
      "content-disposition: form-data; name=\"spec\"; filename*=none'x'%zz"})
  void partsWithoutAUsableHeaderAreRefusedInOurWords(String header) {
    String message = refusal("--b\r\n" + header + "\r\n\r\nx\r\n--b--\r\n");
    assertTrue(message.contains("part 1") || message.contains("spec"), message);
  }

  @Test
  void aSpecificationIsStrictJson() {
    String deep = "{\"gates\":".repeat(5000);
    assertTrue(refusal(FORM.replace("{}", deep)).startsWith("spec.gates.gates: is no field of"));
    assertTrue(refusal(FORM.replace("{}", "{} // hi")).startsWith("spec is no JSON"));
    assertTrue(refusal(FORM.replace("{}", "{\"seed\": -1}")).startsWith("spec.seed: is -1; it must be"));
    assertTrue(refusal(FORM.replace("{}", "{\"seed\": 1")).startsWith("spec ends early"));
  }
}
