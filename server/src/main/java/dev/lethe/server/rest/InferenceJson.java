package dev.lethe.server.rest;

import static dev.lethe.server.rest.ProtoJson.invalid;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor.JavaType;
import com.google.protobuf.MapEntry;
import com.google.protobuf.Message;
import dev.lethe.inference.ModelConfigResponse;
import dev.lethe.inference.ModelInferRequest;
import dev.lethe.inference.ModelReadyResponse;
import dev.lethe.inference.RepositoryIndexResponse;
import dev.lethe.inference.RepositoryModelLoadResponse;
import dev.lethe.inference.RepositoryModelUnloadResponse;
import dev.lethe.inference.ServerLiveResponse;
import dev.lethe.inference.ServerMetadataResponse;
import dev.lethe.inference.ServerReadyResponse;
import dev.lethe.server.rest.HttpRules.Match;
import io.grpc.Status;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.Collection;

/** The Open Inference Protocol's JSON: names as in the protocol files, whole numbers as numbers, plain errors. */
final class InferenceJson implements Exchange {

  private static final JsonMapper JSON = new JsonMapper();
  /** Of its HTTP form alone. */
  private static final String BINARY = "binary_tensor_data";

  private final Message prototype;
  private final Match match;

  private InferenceJson(Message prototype, Match match) {
    this.prototype = prototype;
    this.match = match;
  }

  static Exchange of(Message prototype, Match match, HttpServerRequest request) {
    return prototype instanceof ModelInferRequest ? new InferJson(match, request) : new InferenceJson(prototype, match);
  }

  @Override
  public Json json(int length) {
    return new Json(length, "these requests are small");
  }

  @Override
  public Message request(JsonSource source, Buffer body) {
    Message.Builder message = prototype.newBuilderForType();
    if (match.body() && !body.toString().isBlank()) {
      ObjectNode json = ProtoJson.object(body.getBytes());
      if (json.get("parameters") instanceof ObjectNode parameters) {
        json.set("parameters", parameters(parameters));
      }
      ProtoJson.merge(JsonSource.BODY, json.toString(), message);
    }
    ProtoJson.bind(match.values(), message);
    return message.build();
  }

  /** Each parameter as the protocol files have them: with its type. */
  static ObjectNode parameters(ObjectNode given) {
    ObjectNode typed = JSON.createObjectNode();
    given.properties().forEach(parameter -> {
      JsonNode value = parameter.getValue();
      String type = value.isBoolean() ? "bool_param" : value.isIntegralNumber() ? "int64_param"
          : value.isTextual() ? "string_param" : null;
      if (type == null) {
        throw invalid("parameters." + parameter.getKey() + ": must be a text, a whole number, true or false");
      }
      typed.putObject(parameter.getKey()).set(type, value);
    });
    return typed;
  }

  @Override
  public Future<Answer> answer(Message message) {
    Answer answer;
    if (message instanceof ServerLiveResponse live) {
      answer = health("live", live.getLive());
    } else if (message instanceof ServerReadyResponse ready) {
      answer = health("ready", ready.getReady());
    } else if (message instanceof ModelReadyResponse ready) {
      answer = health("ready", ready.getReady());
    } else if (message instanceof ServerMetadataResponse server) {
      answer = Answer.json(200, json(server.toBuilder().addExtensions(BINARY).build()));
    } else if (message instanceof ModelConfigResponse config) {
      answer = Answer.json(200, json(config.getConfig()));
    } else if (message instanceof RepositoryIndexResponse index) {
      answer = Answer.json(200, "[" + String.join(",", index.getModelsList().stream().map(InferenceJson::json).toList())
          + "]");
    } else if (message instanceof RepositoryModelLoadResponse || message instanceof RepositoryModelUnloadResponse) {
      answer = Answer.empty(200);
    } else {
      answer = Answer.json(200, json(message));
    }
    return Future.succeededFuture(answer);
  }

  /** The protocol's code for "no" is of the 400s. */
  private static Answer health(String name, boolean holds) {
    return Answer.json(holds ? 200 : 400, "{\"" + name + "\":" + holds + "}");
  }

  @Override
  public Answer error(Status status, int code) {
    return failure(status, code);
  }

  static Answer failure(Status status, int code) {
    return Answer.json(code, JSON.createObjectNode()
        .put("error", status.getDescription() == null ? status.getCode().name() : status.getDescription()).toString());
  }

  private static String json(Message message) {
    StringWriter text = new StringWriter();
    try (JsonGenerator out = JSON.createGenerator(text)) {
      write(message, out);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return text.toString();
  }

  private static void write(Message message, JsonGenerator out) throws IOException {
    out.writeStartObject();
    for (FieldDescriptor field : message.getDescriptorForType().getFields()) {
      if (field.hasPresence() && !message.hasField(field)) {
        continue;
      }
      out.writeFieldName(field.getName());
      Object value = message.getField(field);
      if (field.isMapField()) {
        out.writeStartObject();
        for (Object entry : (Collection<?>) value) {
          MapEntry<?, ?> its = (MapEntry<?, ?>) entry;
          out.writeFieldName(its.getKey().toString());
          write(field.getMessageType().findFieldByNumber(2), its.getValue(), out);
        }
        out.writeEndObject();
      } else if (field.isRepeated()) {
        out.writeStartArray();
        for (Object item : (Collection<?>) value) {
          write(field, item, out);
        }
        out.writeEndArray();
      } else {
        write(field, value, out);
      }
    }
    out.writeEndObject();
  }

  private static void write(FieldDescriptor field, Object value, JsonGenerator out) throws IOException {
    if (field.getJavaType() == JavaType.MESSAGE) {
      write((Message) value, out);
    } else if (value instanceof com.google.protobuf.ByteString bytes) {
      out.writeBinary(bytes.toByteArray());
    } else if (value instanceof Number || value instanceof Boolean) {
      out.writeRawValue(value.toString());
    } else {
      out.writeString(value.toString());
    }
  }
}
