package dev.lethe.server.rest;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.MessageOrBuilder;
import com.google.protobuf.util.JsonFormat;
import dev.lethe.server.logging.SafeText;
import dev.lethe.server.rest.HttpRules.Value;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Our own services: Protobuf's JSON, and errors as Google's guide has them (AIP-193). */
final class ProtoJson implements Exchange {

  private static final JsonMapper JSON = new JsonMapper();
  private static final JsonFormat.Parser PARSER = JsonFormat.parser();
  private static final JsonFormat.Printer PRINTER = JsonFormat.printer().omittingInsignificantWhitespace()
      .alwaysPrintFieldsWithNoPresence();

  private final Message prototype;
  private final List<Value> values;
  private final boolean body;

  /**
   * @param prototype of the request
   * @param values of its fields, from path and query
   * @param body whether the body is the rest of it
   */
  ProtoJson(Message prototype, List<Value> values, boolean body) {
    this.prototype = prototype;
    this.values = values;
    this.body = body;
  }

  @Override
  public Json json(int length) {
    return new Json(length, "send files as a form (multipart/form-data), all else by gRPC");
  }

  @Override
  public Message request(JsonSource source, Buffer given) {
    Message.Builder message = prototype.newBuilderForType();
    if (body) {
      merge(source, given.length() == 0 ? "{}" : JsonCheck.text(source, given), message);
    } else if (given.length() > 0 && !given.toString().isBlank()) {
      throw invalid("this request has no body; its fields go into path and query");
    }
    bind(values, message);
    return message.build();
  }

  /** Sets fields from texts, as JSON would. */
  static void bind(List<Value> values, Message.Builder message) {
    if (values.isEmpty()) {
      return;
    }
    ObjectNode root = JSON.createObjectNode();
    for (Value value : values) {
      ObjectNode at = root;
      Descriptor type = message.getDescriptorForType();
      for (int i = 0; i < value.field().size(); i++) {
        String name = value.field().get(i);
        FieldDescriptor field = field(type, name);
        boolean last = i == value.field().size() - 1;
        if (field == null || field.isMapField()
            || (field.getJavaType() == FieldDescriptor.JavaType.MESSAGE) == last || field.isRepeated() && !last) {
          throw invalid(String.join(".", value.field()) + ": is no parameter of " + type.getName());
        }
        if (!last) {
          at = at.withObjectProperty(name);
          type = field.getMessageType();
        } else if (field.isRepeated()) {
          at.withArrayProperty(name).add(value.text());
        } else if (field.getJavaType() == FieldDescriptor.JavaType.ENUM && value.text().matches("-?\\d{1,9}")) {
          at.put(name, Integer.parseInt(value.text()));
        } else {
          at.put(name, value.text());
        }
      }
    }
    values.forEach(value -> requireOnce(value, message));
    // Protobuf's parser takes no message that has been begun, whatever field of it is told.
    Message.Builder own = message.getDefaultInstanceForType().newBuilderForType();
    merge(JsonSource.PARAMETERS, root.toString(), own);
    message.mergeFrom(own.build());
  }

  /** A field of the body that path or query have as well would be of two values. */
  private static void requireOnce(Value value, MessageOrBuilder body) {
    MessageOrBuilder at = body;
    for (int i = 0; i < value.field().size(); i++) {
      FieldDescriptor field = Objects.requireNonNull(field(at.getDescriptorForType(), value.field().get(i)));
      if (field.isRepeated() || !at.hasField(field)) {
        return;
      }
      if (i == value.field().size() - 1) {
        throw invalid(String.join(".", value.field()) + ": is in path or query, where it is \""
            + SafeText.bounded(value.text(), SafeText.NAME) + "\", and in the body too; leave it out of the body");
      }
      at = (MessageOrBuilder) at.getField(field);
    }
  }

  /** By either of its names; null if there is none. */
  static @Nullable FieldDescriptor field(Descriptor type, String name) {
    FieldDescriptor field = type.findFieldByName(name);
    return field != null ? field : type.getFields().stream().filter(its -> its.getJsonName().equals(name)).findAny()
        .orElse(null);
  }

  /** @throws StatusRuntimeException INVALID_ARGUMENT if it is no such message */
  static void merge(JsonSource source, String json, Message.Builder message) {
    JsonCheck.check(source, json, message.getDescriptorForType());
    try {
      PARSER.merge(json, message);
    } catch (InvalidProtocolBufferException | RuntimeException e) {
      // Times and the like are Protobuf's to read. What it says is about its own code.
      throw invalid(source.name() + " is no " + message.getDescriptorForType().getName()
          + " in JSON: a value in it cannot be read");
    }
  }

  static StatusRuntimeException invalid(String what) {
    return Status.INVALID_ARGUMENT.withDescription(what).asRuntimeException();
  }

  @Override
  public Future<Answer> answer(Message message) {
    return Exchange.made(message.getSerializedSize(), () -> Answer.json(200, PRINTER.print(message)));
  }

  @Override
  public Answer error(Status status, int code) {
    return failure(status, code);
  }

  static Answer failure(Status status, int code) {
    ObjectNode body = JSON.createObjectNode();
    body.putObject("error").put("code", code).put("status", status.getCode().name())
        .put("message", status.getDescription() == null ? "" : status.getDescription());
    return Answer.json(code, body.toString());
  }

  /** @throws StatusRuntimeException if it is no object */
  static ObjectNode object(byte[] given) {
    String json = JsonCheck.text(JsonSource.BODY, Buffer.buffer(given));
    JsonCheck.check(JsonSource.BODY, json, null);
    try {
      return (ObjectNode) JSON.readTree(json);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("what was read once cannot be read again", e);
    }
  }
}
