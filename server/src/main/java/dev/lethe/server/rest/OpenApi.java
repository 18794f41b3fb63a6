package dev.lethe.server.rest;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.DescriptorProtos.FileDescriptorSet;
import com.google.protobuf.DescriptorProtos.SourceCodeInfo.Location;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.EnumDescriptor;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.Descriptors.GenericDescriptor;
import com.google.protobuf.Descriptors.MethodDescriptor;
import com.google.protobuf.Descriptors.ServiceDescriptor;
import dev.lethe.server.rest.HttpRules.Binding;
import io.vertx.core.http.HttpMethod;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The OpenAPI document of our own services, from the protocol files, their comments included, and the rules. (The Open
 * Inference Protocol has one of its own.)
 */
final class OpenApi {

  private static final JsonMapper JSON = new JsonMapper();
  private static final String DESCRIPTORS = "/dev/lethe/protocol.binpb";
  private static final Pattern VARIABLE = Pattern.compile("\\{(\\w+)}");
  private static final String SCHEMAS = "#/components/schemas/";

  private final Map<String, ServiceDescriptor> services;
  private final Map<String, String> comments = comments();
  private final ObjectNode document = JSON.createObjectNode();
  private final Deque<GenericDescriptor> due = new ArrayDeque<>();
  private final Set<String> named = new HashSet<>();

  private OpenApi(List<ServiceDescriptor> services) {
    this.services = services.stream().collect(Collectors.toMap(ServiceDescriptor::getFullName, service -> service));
  }

  /** @param services that are described, each method by its rules, or by its own name where it has none */
  static ObjectNode of(HttpRules rules, List<ServiceDescriptor> services) {
    return new OpenApi(services).describe(rules, services);
  }

  private ObjectNode describe(HttpRules rules, List<ServiceDescriptor> ordered) {
    document.put("openapi", "3.1.0");
    document.putObject("info").put("title", "Lethe").put("version", "v1").put("description",
        "Serves image generators, and takes training images out of them. Made from the protocol files.")
        .putObject("license").put("name", "Apache-2.0").put("identifier", "Apache-2.0");
    ObjectNode paths = document.putObject("paths");
    ObjectNode components = document.putObject("components");
    components.putObject("securitySchemes").putObject("token").put("type", "http").put("scheme", "bearer");
    document.putArray("security").addObject().putArray("token");
    document.withArrayProperty("security").addObject();
    ObjectNode schemas = components.putObject("schemas");
    error(schemas);
    for (ServiceDescriptor service : ordered) {
      for (MethodDescriptor method : service.getMethods()) {
        String name = service.getFullName() + "/" + method.getName();
        List<Binding> bindings = rules.bindings().stream().filter(binding -> binding.method().equals(name)).toList();
        if (bindings.isEmpty()) {
          bindings = List.of(new Binding(name, HttpMethod.POST, "/" + name, true));
        }
        for (int i = 0; i < bindings.size(); i++) {
          path(paths, method, bindings.get(i), i == 0 ? "" : Integer.toString(i + 1));
        }
      }
    }
    while (!due.isEmpty()) {
      schema(schemas, due.remove());
    }
    return document;
  }

  private void path(ObjectNode paths, MethodDescriptor method, Binding binding, String suffix) {
    String verb = binding.verb().name().toLowerCase(java.util.Locale.ROOT);
    ObjectNode operation = paths.withObjectProperty(binding.path()).putObject(verb);
    operation.put("operationId", method.getService().getName() + "_" + method.getName() + suffix);
    operation.putArray("tags").add(method.getService().getName());
    comment(method.getFullName(), operation);
    Set<String> inPath = new TreeSet<>();
    ArrayNode parameters = JSON.createArrayNode();
    Matcher variables = VARIABLE.matcher(binding.path());
    while (variables.find()) {
      inPath.add(variables.group(1));
      parameter(parameters, method.getInputType().findFieldByName(variables.group(1)), "path");
    }
    if (!binding.body()) {
      method.getInputType().getFields().stream().filter(field -> !inPath.contains(field.getName()))
          .forEach(field -> parameter(parameters, field, "query"));
    }
    if (!parameters.isEmpty()) {
      operation.set("parameters", parameters);
    }
    if (binding.body()) {
      ObjectNode content = operation.putObject("requestBody").put("required", true).putObject("content");
      refer(content.putObject(method.isClientStreaming() ? "application/x-ndjson" : "application/json")
          .putObject("schema"), method.getInputType());
      if (method.isClientStreaming()) {
        form(content);
      }
    }
    ObjectNode responses = operation.putObject("responses");
    ObjectNode good = responses.putObject("200");
    good.put("description", method.isServerStreaming() ? "One in each line, as they come." : "The answer.");
    refer(good.putObject("content").putObject(method.isServerStreaming() ? "application/x-ndjson" : "application/json")
        .putObject("schema"), method.getOutputType());
    ObjectNode bad = responses.putObject("default");
    bad.put("description", "Why not. 429 and 503 may say in the header retry-after when to try again.");
    bad.putObject("content").putObject("application/json").putObject("schema").put("$ref", SCHEMAS + "Error");
  }

  private void form(ObjectNode content) {
    ObjectNode schema = content.putObject("multipart/form-data").putObject("schema").put("type", "object");
    schema.put("description", "The specification first. A file's name may begin with a folder, its class.");
    ObjectNode properties = schema.putObject("properties");
    refer(properties.putObject("spec"), services.get("lethe.v1.UnlearningService").getFile()
        .findMessageTypeByName("UnlearnSpec"));
    for (String name : List.of("unlearn", "learn")) {
      properties.putObject(name).put("type", "array").putObject("items").put("type", "string")
          .put("contentMediaType", "image/*");
    }
  }

  private void parameter(ArrayNode parameters, FieldDescriptor field, String in) {
    ObjectNode parameter = parameters.addObject().put("name", field.getName()).put("in", in)
        .put("required", in.equals("path"));
    comment(field.getFullName(), parameter);
    type(parameter.putObject("schema"), field);
  }

  private static void error(ObjectNode schemas) {
    ObjectNode error = schemas.putObject("Error").put("type", "object").putObject("properties").putObject("error")
        .put("type", "object").putObject("properties");
    error.putObject("code").put("type", "integer").put("description", "HTTP's status.");
    error.putObject("status").put("type", "string").put("description", "gRPC's status, such as INVALID_ARGUMENT.");
    error.putObject("message").put("type", "string").put("description", "What is wrong, and what is allowed.");
  }

  private void schema(ObjectNode schemas, GenericDescriptor described) {
    ObjectNode schema = schemas.putObject(described.getName());
    comment(described.getFullName(), schema);
    if (described instanceof EnumDescriptor choices) {
      schema.put("type", "string");
      ArrayNode values = schema.putArray("enum");
      for (EnumValueDescriptor value : choices.getValues()) {
        values.add(value.getName());
      }
      return;
    }
    schema.put("type", "object");
    ObjectNode properties = schema.putObject("properties");
    for (FieldDescriptor field : ((Descriptor) described).getFields()) {
      ObjectNode property = properties.putObject(field.getJsonName());
      type(property, field);
      comment(field.getFullName(), property);
    }
  }

  private void type(ObjectNode schema, FieldDescriptor field) {
    if (field.isMapField()) {
      single(schema.put("type", "object").putObject("additionalProperties"), field.getMessageType()
          .findFieldByNumber(2));
    } else if (field.isRepeated()) {
      single(schema.put("type", "array").putObject("items"), field);
    } else {
      single(schema, field);
    }
  }

  private void single(ObjectNode schema, FieldDescriptor field) {
    switch (field.getType()) {
      case DOUBLE, FLOAT -> schema.put("type", "number").put("format", field.getType().name()
          .toLowerCase(java.util.Locale.ROOT));
      case INT32, SINT32, SFIXED32 -> schema.put("type", "integer").put("format", "int32");
      case UINT32, FIXED32 -> schema.put("type", "integer").put("format", "uint32");
      case INT64, SINT64, SFIXED64 -> schema.put("type", "string").put("format", "int64");
      case UINT64, FIXED64 -> schema.put("type", "string").put("format", "uint64");
      case BOOL -> schema.put("type", "boolean");
      case STRING -> schema.put("type", "string");
      case BYTES -> schema.put("type", "string").put("contentEncoding", "base64");
      case ENUM -> refer(schema, field.getEnumType());
      case MESSAGE, GROUP -> {
        if (field.getMessageType().getFullName().equals("google.protobuf.Timestamp")) {
          schema.put("type", "string").put("format", "date-time");
        } else {
          refer(schema, field.getMessageType());
        }
      }
    }
  }

  private void refer(ObjectNode schema, GenericDescriptor described) {
    schema.put("$ref", SCHEMAS + described.getName());
    if (named.add(described.getName())) {
      due.add(described);
    }
  }

  private void comment(String name, ObjectNode described) {
    String text = comments.get(name);
    if (text != null) {
      described.put("description", text);
    }
  }

  /** By full name. Compiled classes have none, so they come from descriptors beside them. */
  private static Map<String, String> comments() {
    Map<String, String> comments = new HashMap<>();
    try (InputStream in = FileDescriptor.class.getResourceAsStream(DESCRIPTORS)) {
      if (in == null) {
        throw new IllegalStateException("there is no " + DESCRIPTORS + " beside the protocol's classes");
      }
      for (FileDescriptorProto file : FileDescriptorSet.parseFrom(in).getFileList()) {
        for (Location location : file.getSourceCodeInfo().getLocationList()) {
          String text = location.getLeadingComments().strip().replaceAll("\\s*\\n\\s*", " ");
          String name = name(file, location.getPathList());
          if (!text.isEmpty() && name != null) {
            comments.put(file.getPackage() + "." + name, text);
          }
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return comments;
  }

  /** What a path into a file descriptor leads to, of messages, enums, services and their parts at the top level. */
  private static @Nullable String name(FileDescriptorProto file, List<Integer> path) {
    if (path.size() == 2) {
      return switch (path.get(0)) {
        case FileDescriptorProto.MESSAGE_TYPE_FIELD_NUMBER -> file.getMessageType(path.get(1)).getName();
        case FileDescriptorProto.ENUM_TYPE_FIELD_NUMBER -> file.getEnumType(path.get(1)).getName();
        default -> null;
      };
    }
    // Fields and methods are both number 2 of what they are in.
    if (path.size() == 4 && path.get(2) == 2) {
      return switch (path.get(0)) {
        case FileDescriptorProto.MESSAGE_TYPE_FIELD_NUMBER -> file.getMessageType(path.get(1)).getName() + "."
            + file.getMessageType(path.get(1)).getField(path.get(3)).getName();
        case FileDescriptorProto.SERVICE_FIELD_NUMBER -> file.getService(path.get(1)).getName() + "."
            + file.getService(path.get(1)).getMethod(path.get(3)).getName();
        default -> null;
      };
    }
    return null;
  }
}
