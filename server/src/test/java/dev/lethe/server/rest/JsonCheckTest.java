package dev.lethe.server.rest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.v1.GenerateRequest;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.vertx.core.buffer.Buffer;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class JsonCheckTest {

  private static GenerateRequest read(String json) {
    GenerateRequest.Builder message = GenerateRequest.newBuilder();
    ProtoJson.merge(JsonSource.BODY, json, message);
    return message.build();
  }

  private static String refusal(String json) {
    StatusRuntimeException refusal = assertThrows(StatusRuntimeException.class, () -> read(json));
    assertEquals(Status.Code.INVALID_ARGUMENT, refusal.getStatus().getCode());
    return String.valueOf(refusal.getStatus().getDescription());
  }

  @ParameterizedTest
  @ValueSource(strings = {"{label:'7'} // hi", "{'label':\"7\"}", "{\"label\":\"7\"}{\"label\":\"8\"}", "{} x", "{},",
      "{\"label\":\"7\",}", "{\"psi\":01}", "{\"psi\":NaN}", "{\"psi\":.5}", "{\"psi\":+1}", "{\"label\":\"\\x\"}",
      "{\"label\":\"a\nb\"}", "{\"label\"=\"7\"}", "{\"label\":\"7\";}", "# {}", "/* */ {}", ")]}'\n{}", "nothing",
      "{\"seeds\":{\"values\":[1,,2]}}", "{\"label\":", "", "[]", "7", "null", "\"{}\""})
  void whatIsNoJsonObjectIsRefused(String json) {
    String message = refusal(json);
    assertTrue(message.startsWith("the body ") && message.contains("JSON"), message);
    assertTrue(!message.contains("http") && !message.contains("Feature") && !message.contains("Gson"), message);
  }

  @Test
  void whatPathAndBodyBothHaveIsNamed() {
    GenerateRequest.Builder message = GenerateRequest.newBuilder();
    ProtoJson.merge(JsonSource.BODY, "{\"model\":\"a\",\"seeds\":{\"values\":[1]}}", message);
    StatusRuntimeException refusal = assertThrows(StatusRuntimeException.class,
        () -> ProtoJson.bind(List.of(new HttpRules.Value(List.of("model"), "b")), message));
    assertEquals("model: is in path or query, where it is \"b\", and in the body too; leave it out of the body",
        refusal.getStatus().getDescription());
    ProtoJson.bind(List.of(new HttpRules.Value(List.of("label"), "7"),
        new HttpRules.Value(List.of("seeds", "values"), "2")), message);
    assertEquals("7", message.getLabel());
    assertEquals(List.of(1, 2), message.getSeeds().getValuesList());
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
      "{\"seeds\":{\"values\":[5,-1]}} | seeds.values[1]: is -1; it must be a whole number from 0 to",
      "{\"seeds\":{\"values\":[0.5]}} | seeds.values[0]: is 0.5; it must be a whole number",
      "{\"seeds\":{\"values\":[null]}} | seeds.values[0]: is null",
      "{\"seeds\":{\"values\":7}} | seeds.values: is 7; it must be a list",
      "{\"seeds\":[]} | seeds: is a list; it must be an object",
      "{\"seeds\":{\"valeus\":[]}} | seeds.valeus: is no field of Seeds, which has values",
      "{\"label\":{}} | label: is an object; it must be a text",
      "{\"psi\":\"much\"} | psi: is \"much\"; it must be a number",
      "{\"psi\":1e400} | psi: is 1e400; it must be a number",
      "{\"label\":\"7\",\"label\":\"8\"} | label: is there twice",
      "{\"seeds\":{\"values\":[1],\"values\":[2]}} | seeds.values: is there twice",
      "{\"noiseMode\":1,\"noise_mode\":1} | noise_mode: is there twice, by both of its names",
      "{\"noiseMode\":\"LOUD\"} | noiseMode: is \"LOUD\"; it must be one of NOISE_MODE_"})
  void faultsAreToldByTheirField(String json, String message) {
    assertTrue(refusal(json).startsWith(message), () -> refusal(json));
  }

  /** Protobuf would make a number of a thousand million digits from it. */
  @ParameterizedTest
  @ValueSource(strings = {"1e999999999", "\"1e999999999\"", "1e-999999999", "1e99999999999999999999"})
  void exponentsCostNothing(String number) {
    assertTimeoutPreemptively(Duration.ofSeconds(10), () -> assertTrue(refusal("{\"seeds\":{\"values\":[" + number
        + "]}}").startsWith("seeds.values[0]: is ")));
  }

  @ParameterizedTest
  @ValueSource(strings = {"[", "{\"a\":", "{\"seeds\":[", "{\"seeds\":"})
  void nestingIsBounded(String opening) {
    String message = refusal(opening.repeat(10_000));
    assertTrue(message.contains("100 deep") || message.startsWith("a: ") || message.startsWith("seeds"), message);
    StatusRuntimeException any = assertThrows(StatusRuntimeException.class,
        () -> JsonCheck.check(JsonSource.BODY, opening.repeat(10_000), null));
    assertTrue(String.valueOf(any.getStatus().getDescription()).contains("100 deep"));
  }

  @Test
  void whatProtobufTakesIsTaken() {
    GenerateRequest message = read(" \t{\"seeds\":{\"values\":[\"4294967295\",1.0,2e3]},\"psi\":\"0.5\","
        + "\"label\":7,\"noise_mode\":1,\"model\":null,\"includeW\":\"true\"}\r\n");
    assertEquals(3, message.getSeeds().getValuesCount());
    assertEquals("7", message.getLabel());
    assertTrue(message.getIncludeW());
  }

  @Test
  void textIsUtf8() {
    assertEquals("{}", JsonCheck.text(JsonSource.BODY, Buffer.buffer("\ufeff{}")));
    StatusRuntimeException refusal = assertThrows(StatusRuntimeException.class, () -> JsonCheck.text(JsonSource.BODY,
        Buffer.buffer(new byte[] {'{', '"', (byte) 0xff, '"', '}'})));
    assertEquals("the body is no text in UTF-8, which JSON has to be in", refusal.getStatus().getDescription());
  }
}
