package dev.lethe.server.rest;

import static dev.lethe.server.rest.ProtoJson.invalid;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import com.google.protobuf.UnsafeByteOperations;
import dev.lethe.inference.InferParameter;
import dev.lethe.inference.ModelInferRequest;
import dev.lethe.inference.ModelInferRequest.InferInputTensor;
import dev.lethe.inference.ModelInferRequest.InferRequestedOutputTensor;
import dev.lethe.inference.ModelInferResponse;
import dev.lethe.inference.ModelInferResponse.InferOutputTensor;
import dev.lethe.server.logging.SafeText;
import dev.lethe.server.rest.HttpRules.Match;
import io.grpc.Status;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Inference by HTTP: a JSON object, with tensors in it as numbers and texts or, with the binary extension, behind it,
 * as they are. PNG files, which are no texts, are base64 in JSON.
 */
final class InferJson implements Exchange {

  private static final JsonMapper JSON = new JsonMapper();
  private static final String HEADER_LENGTH = "inference-header-content-length";
  private static final String BINARY_SIZE = "binary_data_size";
  private static final String BINARY = "binary_data";
  private static final String BINARY_OUTPUT = "binary_data_output";
  private static final String PARAMETERS = "parameters";
  /** Lists of data within one another: no tensor has as many dimensions. */
  private static final int DEEPEST = 8;

  private final Match match;
  private final HttpServerRequest http;
  // What the request says of its answer.
  private final Map<String, Boolean> binary = new HashMap<>();
  private boolean allBinary;

  InferJson(Match match, HttpServerRequest http) {
    this.match = match;
    this.http = http;
  }

  @Override
  public Json json(int length) {
    String head = http.getHeader(HEADER_LENGTH);
    boolean told = head != null && head.strip().matches("\\d{1,9}");
    return new Json(told ? Math.min(length, Integer.parseInt(head.strip())) : length,
        "send tensors as binary data behind it");
  }

  @Override
  public Message request(JsonSource source, Buffer body) {
    int length = headerLength(body.length());
    ObjectNode json = ProtoJson.object(body.getBytes(0, length));
    byte[] behind = body.getBytes(length, body.length());
    ModelInferRequest.Builder request = ModelInferRequest.newBuilder();
    request.setId(text(json, "id"));
    allBinary = flag(json, BINARY_OUTPUT, false);
    parameters(json).forEach((name, value) -> {
      if (!name.equals(BINARY_OUTPUT)) {
        request.putParameters(name, value);
      }
    });
    int at = 0;
    for (JsonNode input : list(json, "inputs")) {
      at += input(object(input, "inputs"), behind, at, request);
    }
    if (at != behind.length) {
      throw invalid("behind the JSON there are " + behind.length + " bytes, and the inputs' " + BINARY_SIZE
          + " are " + at + " in all");
    }
    for (JsonNode output : list(json, "outputs")) {
      output(object(output, "outputs"), request);
    }
    ProtoJson.bind(match.values(), request);
    return request.build();
  }

  private int headerLength(int all) {
    String given = http.getHeader(HEADER_LENGTH);
    if (given == null) {
      return all;
    }
    try {
      int length = Integer.parseInt(given.strip());
      if (length >= 0 && length <= all) {
        return length;
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw invalid(HEADER_LENGTH + ": is \"" + SafeText.bounded(given, SafeText.NAME) + "\"; it must be the length of"
        + " the JSON, from 0 to the " + all + " bytes of the body");
  }

  /** @return how many of the bytes behind the JSON it took */
  private int input(ObjectNode json, byte[] behind, int at, ModelInferRequest.Builder request) {
    String name = text(json, "name");
    String what = "input \"" + SafeText.bounded(name, SafeText.NAME) + "\": ";
    InferInputTensor.Builder tensor = InferInputTensor.newBuilder().setName(name).setDatatype(text(json, "datatype"));
    for (JsonNode size : list(json, "shape")) {
      if (!size.canConvertToExactIntegral() || !size.canConvertToLong()) {
        throw invalid(what + "shape must be whole numbers");
      }
      tensor.addShape(size.longValue());
    }
    Map<String, InferParameter> parameters = parameters(json);
    InferParameter size = parameters.remove(BINARY_SIZE);
    tensor.putAllParameters(parameters);
    JsonNode data = json.get("data");
    if (size == null) {
      request.addInputs(tensor);
      request.addRawInputContents(data == null ? ByteString.EMPTY : raw(what, tensor, data));
      return 0;
    }
    if (data != null) {
      throw invalid(what + "has data, and " + BINARY_SIZE + "; use one of them");
    }
    long bytes = size.getInt64Param();
    if (!size.hasInt64Param() || bytes < 0 || bytes > behind.length - at) {
      throw invalid(what + BINARY_SIZE + " must be a number of bytes, of the " + (behind.length - at)
          + " that are left behind the JSON");
    }
    request.addInputs(tensor);
    request.addRawInputContents(UnsafeByteOperations.unsafeWrap(behind, at, (int) bytes));
    return (int) bytes;
  }

  /** The values, little-endian, whether or not they are nested as the shape is. */
  private static ByteString raw(String what, InferInputTensor.Builder tensor, JsonNode data) {
    List<JsonNode> values = new ArrayList<>();
    flatten(what, data, 1, values);
    long needed = 1;
    for (long size : tensor.getShapeList()) {
      // Absurd shapes are told by those who know what would be right.
      needed = size < 0 || needed > Integer.MAX_VALUE ? -1 : needed * size;
    }
    if (needed >= 0 && values.size() != needed) {
      throw invalid(what + "its shape " + tensor.getShapeList() + " needs " + needed + " values, and data has "
          + values.size());
    }
    return switch (tensor.getDatatype()) {
      case "FP32" -> numbers(what, values, Float.BYTES, (value, out) -> out.putFloat(value.floatValue()));
      case "INT64" -> numbers(what, values, Long.BYTES, (value, out) -> {
        if (!value.canConvertToExactIntegral() || !value.canConvertToLong()) {
          throw invalid(what + "data must be whole numbers");
        }
        out.putLong(value.longValue());
      });
      case "BYTES" -> texts(what, values);
      // No input is of another type, which is told later.
      default -> ByteString.EMPTY;
    };
  }

  private static void flatten(String what, JsonNode data, int depth, List<JsonNode> values) {
    if (!data.isArray()) {
      throw invalid(what + "data must be an array");
    }
    for (JsonNode value : data) {
      if (value.isArray()) {
        if (depth == DEEPEST) {
          throw invalid(what + "data has lists nested more than " + DEEPEST + " deep; nest them as its shape is, or"
              + " send one list");
        }
        flatten(what, value, depth + 1, values);
      } else {
        values.add(value);
      }
    }
  }

  private interface Put {
    void value(JsonNode number, ByteBuffer out);
  }

  private static ByteString numbers(String what, List<JsonNode> values, int bytes, Put put) {
    ByteBuffer out = ByteBuffer.allocate(Math.multiplyExact(values.size(), bytes)).order(ByteOrder.LITTLE_ENDIAN);
    for (JsonNode value : values) {
      if (!value.isNumber()) {
        throw invalid(what + "data must be numbers");
      }
      put.value(value, out);
    }
    return UnsafeByteOperations.unsafeWrap(out.array());
  }

  private static ByteString texts(String what, List<JsonNode> values) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (JsonNode value : values) {
      if (!value.isTextual()) {
        throw invalid(what + "data must be texts");
      }
      byte[] text = value.textValue().getBytes(StandardCharsets.UTF_8);
      out.writeBytes(ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN).putInt(text.length).array());
      out.writeBytes(text);
    }
    return UnsafeByteOperations.unsafeWrap(out.toByteArray());
  }

  private void output(ObjectNode json, ModelInferRequest.Builder request) {
    String name = text(json, "name");
    binary.put(name, flag(json, BINARY, allBinary));
    Map<String, InferParameter> parameters = parameters(json);
    parameters.remove(BINARY);
    request.addOutputs(InferRequestedOutputTensor.newBuilder().setName(name).putAllParameters(parameters));
  }

  private static ObjectNode object(JsonNode node, String what) {
    if (node instanceof ObjectNode object) {
      return object;
    }
    throw invalid(what + ": must be JSON objects");
  }

  private static String text(ObjectNode json, String name) {
    JsonNode value = json.get(name);
    if (value == null) {
      return "";
    }
    if (!value.isTextual()) {
      throw invalid(name + ": must be a text");
    }
    return value.textValue();
  }

  private static Iterable<JsonNode> list(ObjectNode json, String name) {
    JsonNode value = json.get(name);
    if (value == null) {
      return List.of();
    }
    if (!value.isArray()) {
      throw invalid(name + ": must be an array");
    }
    return value;
  }

  private static boolean flag(ObjectNode json, String name, boolean fallback) {
    JsonNode value = json.path(PARAMETERS).get(name);
    if (value != null && !value.isBoolean()) {
      throw invalid(PARAMETERS + "." + name + ": must be true or false");
    }
    return value == null ? fallback : value.booleanValue();
  }

  private static Map<String, InferParameter> parameters(ObjectNode json) {
    JsonNode given = json.get(PARAMETERS);
    Map<String, InferParameter> parameters = new HashMap<>();
    if (given == null) {
      return parameters;
    }
    object(given, PARAMETERS).properties().forEach(parameter -> {
      JsonNode value = parameter.getValue();
      InferParameter.Builder typed = InferParameter.newBuilder();
      if (value.isBoolean()) {
        typed.setBoolParam(value.booleanValue());
      } else if (value.isIntegralNumber() && value.canConvertToLong()) {
        typed.setInt64Param(value.longValue());
      } else if (value.isTextual()) {
        typed.setStringParam(value.textValue());
      } else {
        throw invalid(PARAMETERS + "." + SafeText.bounded(parameter.getKey(), SafeText.NAME)
            + ": must be a text, a whole number, true or false");
      }
      parameters.put(parameter.getKey(), typed.build());
    });
    return parameters;
  }

  @Override
  public Future<Answer> answer(Message message) {
    ModelInferResponse response = (ModelInferResponse) message;
    return Exchange.made(response.getSerializedSize(), () -> write(response));
  }

  private Answer write(ModelInferResponse response) {
    ByteArrayOutputStream json = new ByteArrayOutputStream();
    List<ByteString> behind = new ArrayList<>();
    try (JsonGenerator out = JSON.createGenerator(json)) {
      out.writeStartObject();
      out.writeStringField("model_name", response.getModelName());
      out.writeStringField("model_version", response.getModelVersion());
      if (!response.getId().isEmpty()) {
        out.writeStringField("id", response.getId());
      }
      out.writeArrayFieldStart("outputs");
      for (int i = 0; i < response.getOutputsCount(); i++) {
        write(response.getOutputs(i), response.getRawOutputContents(i), out, behind);
      }
      out.writeEndArray();
      out.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Buffer body = Buffer.buffer(json.toByteArray());
    if (behind.isEmpty()) {
      return new Answer(200, Map.of("content-type", "application/json"), body);
    }
    int length = body.length();
    behind.forEach(tensor -> body.appendBytes(tensor.toByteArray()));
    return new Answer(200, Map.of("content-type", "application/octet-stream", HEADER_LENGTH, Integer.toString(length)),
        body);
  }

  private void write(InferOutputTensor tensor, ByteString raw, JsonGenerator out, List<ByteString> behind)
      throws IOException {
    out.writeStartObject();
    out.writeStringField("name", tensor.getName());
    out.writeStringField("datatype", tensor.getDatatype());
    out.writeArrayFieldStart("shape");
    for (long size : tensor.getShapeList()) {
      out.writeNumber(size);
    }
    out.writeEndArray();
    if (binary.getOrDefault(tensor.getName(), allBinary)) {
      out.writeObjectFieldStart(PARAMETERS);
      out.writeNumberField(BINARY_SIZE, raw.size());
      out.writeEndObject();
      behind.add(raw);
    } else {
      ByteBuffer values = raw.asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
      boolean floats = tensor.getDatatype().equals("FP32");
      out.writeArrayFieldStart("data");
      while (values.hasRemaining()) {
        if (floats) {
          out.writeNumber(values.getFloat());
        } else {
          byte[] file = new byte[values.getInt()];
          values.get(file);
          out.writeString(Base64.getEncoder().encodeToString(file));
        }
      }
      out.writeEndArray();
    }
    out.writeEndObject();
  }

  @Override
  public Answer error(Status status, int code) {
    return InferenceJson.failure(status, code);
  }
}
