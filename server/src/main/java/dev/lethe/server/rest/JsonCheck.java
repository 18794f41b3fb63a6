package dev.lethe.server.rest;

import static dev.lethe.server.rest.ProtoJson.invalid;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.core.io.JsonEOFException;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor.JavaType;
import com.google.protobuf.Descriptors.OneofDescriptor;
import dev.lethe.server.logging.SafeText;
import io.grpc.StatusRuntimeException;
import io.vertx.core.buffer.Buffer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Reads a client's JSON once before Protobuf does, which takes what is no JSON (comments, names without quotes, a
 * second object), names no field, and follows any depth of nesting and any exponent until memory or time are out.
 * Faults are told by the field, in words of our own.
 */
final class JsonCheck {

  /** Objects and lists within one another. No message is half as deep. */
  static final int DEEPEST = 100;

  private static final String BYTE_ORDER_MARK = "\ufeff";
  /** Of a value, in what is told of it. */
  private static final int MOST_SHOWN = 64;
  /** Of an integer with a fraction or an exponent, 1e3: more digits are none that any field takes. */
  private static final Pattern DECIMAL =
      Pattern.compile("-?\\d{1,400}(\\.\\d{1,400})?([eE][+-]?\\d{1,3})?");
  private static final Pattern BASE64 =
      Pattern.compile("(?:[A-Za-z0-9+/]*+={0,2}+|[A-Za-z0-9_-]*+={0,2}+)");
  private static final String WELL_KNOWN = "google.protobuf.";

  // Names of clients are not kept for later.
  private static final JsonFactory JSON = JsonFactory.builder().disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
      .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES).build();

  private final JsonSource source;
  private final JsonParser parser;
  private final StringBuilder path = new StringBuilder();
  private int depth;

  private JsonCheck(JsonSource source, JsonParser parser) {
    this.source = source;
    this.parser = parser;
  }

  /**
   * Without the mark that some editors begin files with.
   *
   * @throws StatusRuntimeException INVALID_ARGUMENT if it is no UTF-8
   */
  static String text(JsonSource source, Buffer bytes) {
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes.getBytes())).toString();
      return text.startsWith(BYTE_ORDER_MARK) ? text.substring(1) : text;
    } catch (CharacterCodingException e) {
      throw invalid(source.name() + " is no text in UTF-8, which JSON has to be in");
    }
  }

  /**
   * Lets pass what is one object of JSON (RFC 8259), each name in it once, no deeper than {@link #DEEPEST}.
   *
   * @param type the message that it is, field by field; null for any object
   * @throws StatusRuntimeException INVALID_ARGUMENT, with the field at fault where it is known
   */
  static void check(JsonSource source, String json, @Nullable Descriptor type) {
    try (JsonParser parser = JSON.createParser(json)) {
      new JsonCheck(source, parser).document(type);
    } catch (StreamConstraintsException e) {
      throw invalid(source.name() + " is no JSON that is read here: a name or a number in it is too long, "
          + at(e.getLocation()));
    } catch (JsonEOFException e) {
      throw invalid(source.name() + " ends early: its JSON is not whole; send it again from the start");
    } catch (JsonProcessingException e) {
      throw invalid(source.name() + " is no JSON (RFC 8259), " + at(e.getLocation()) + ": names and texts are in double"
          + " quotes, numbers are decimal and finite, and there are no comments and no commas at the end");
    } catch (IOException e) {
      // It is in memory.
      throw new UncheckedIOException(e);
    }
  }

  private static String at(@Nullable JsonLocation place) {
    return place == null ? "somewhere" : "at line " + place.getLineNr() + ", column " + place.getColumnNr();
  }

  private void document(@Nullable Descriptor type) throws IOException {
    JsonToken first = parser.nextToken();
    if (first != JsonToken.START_OBJECT) {
      if (first == null) {
        throw invalid(source.name() + " is empty; it must be a JSON object");
      }
      // What is no JSON at all is told that first.
      value(first, null);
      throw invalid(source.name() + " must be a JSON object, and is " + shown(first));
    }
    object(type);
    if (parser.nextToken() != null) {
      throw invalid(source.name() + " is one JSON object, and there is more behind it, "
          + at(parser.currentTokenLocation()));
    }
  }

  private void deeper() {
    if (++depth > DEEPEST) {
      throw invalid(source.name() + " has objects and lists nested more than " + DEEPEST + " deep; at most " + DEEPEST
          + " are read");
    }
  }

  private void object(@Nullable Descriptor type) throws IOException {
    deeper();
    Set<String> names = new HashSet<>();
    Set<FieldDescriptor> fields = new HashSet<>();
    Map<OneofDescriptor, String> chosen = new HashMap<>();
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String name = parser.currentName();
      int outer = path.length();
      path.append(outer == 0 ? "" : ".").append(SafeText.bounded(name, SafeText.NAME));
      if (!names.add(name)) {
        throw fault("is there twice; leave one");
      }
      FieldDescriptor field = null;
      JsonToken token = parser.nextToken();
      if (type != null) {
        field = ProtoJson.field(type, name);
        if (field == null) {
          throw fault("is no field of " + type.getName() + ", which has " + fields(type));
        }
        if (!fields.add(field)) {
          throw fault("is there twice, by both of its names; leave one");
        }
        OneofDescriptor choice = field.getRealContainingOneof();
        String other = choice == null || token == JsonToken.VALUE_NULL ? null : chosen.put(choice, name);
        if (other != null) {
          throw fault("is there beside " + SafeText.bounded(other, SafeText.NAME) + ", and only one of the two may be");
        }
      }
      member(token, field);
      path.setLength(outer);
    }
    depth--;
  }

  private static String fields(Descriptor type) {
    return type.getFields().isEmpty() ? "none"
        : type.getFields().stream().map(FieldDescriptor::getJsonName).collect(Collectors.joining(", "));
  }

  private void member(JsonToken token, @Nullable FieldDescriptor field) throws IOException {
    if (field == null || token == JsonToken.VALUE_NULL) {
      value(token, null);
    } else if (field.isMapField()) {
      if (token != JsonToken.START_OBJECT) {
        throw fault(token, "an object");
      }
      map(field.getMessageType().findFieldByNumber(2));
    } else if (field.isRepeated()) {
      if (token != JsonToken.START_ARRAY) {
        throw fault(token, "a list, [...]");
      }
      list(field);
    } else {
      value(token, field);
    }
  }

  private void map(FieldDescriptor values) throws IOException {
    deeper();
    Set<String> names = new HashSet<>();
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String name = parser.currentName();
      int outer = path.length();
      path.append('.').append(SafeText.bounded(name, SafeText.NAME));
      if (!names.add(name)) {
        throw fault("is there twice; leave one");
      }
      element(parser.nextToken(), values);
      path.setLength(outer);
    }
    depth--;
  }

  private void list(@Nullable FieldDescriptor items) throws IOException {
    deeper();
    int outer = path.length();
    JsonToken token;
    for (int i = 0; (token = parser.nextToken()) != JsonToken.END_ARRAY; i++) {
      path.append('[').append(i).append(']');
      element(token, items);
      path.setLength(outer);
    }
    depth--;
  }

  private void element(JsonToken token, @Nullable FieldDescriptor field) throws IOException {
    if (field != null && token == JsonToken.VALUE_NULL) {
      throw fault(token, expected(field));
    }
    value(token, field);
  }

  /** @param field whose one value this is; null for any value */
  private void value(JsonToken token, @Nullable FieldDescriptor field) throws IOException {
    boolean wellKnown = field != null && field.getJavaType() == JavaType.MESSAGE
        && field.getMessageType().getFullName().startsWith(WELL_KNOWN);
    if (field != null && !wellKnown && !(field.getJavaType() == JavaType.MESSAGE ? token == JsonToken.START_OBJECT
        : token.isScalarValue() && isValue(token, field))) {
      // What is no base64 may be a part of an image, or somebody's name.
      throw field.getJavaType() == JavaType.BYTE_STRING && token == JsonToken.VALUE_STRING
          ? fault("is a text of " + parser.getTextLength() + " characters; it must be " + expected(field))
          : fault(token, expected(field));
    }
    if (token == JsonToken.START_OBJECT) {
      object(field == null || wellKnown ? null : field.getMessageType());
    } else if (token == JsonToken.START_ARRAY) {
      list(null);
    }
  }

  /** As Protobuf takes them: numbers as texts, too. */
  private boolean isValue(JsonToken token, FieldDescriptor field) throws IOException {
    String text = parser.getText();
    return switch (field.getJavaType()) {
      case INT, LONG -> (token == JsonToken.VALUE_STRING || token.isNumeric()) && WholeNumbers.of(field).holds(text);
      case FLOAT -> (token == JsonToken.VALUE_STRING || token.isNumeric()) && isNumber(text, Float.MAX_VALUE);
      case DOUBLE -> (token == JsonToken.VALUE_STRING || token.isNumeric()) && isNumber(text, Double.MAX_VALUE);
      case BOOLEAN -> text.equals("true") || text.equals("false");
      case STRING -> true;
      case BYTE_STRING -> BASE64.matcher(text).matches();
      case ENUM -> field.getEnumType().findValueByName(text) != null || text.matches("-?\\d{1,9}");
      case MESSAGE -> false;
    };
  }

  private static boolean isNumber(String text, double most) {
    if (text.equals("NaN") || text.equals("Infinity") || text.equals("-Infinity")) {
      return true;
    }
    try {
      // A little more than the largest float is rounded to it, as Protobuf does.
      return Math.abs(Double.parseDouble(text)) <= (most == Double.MAX_VALUE ? most : most * (1 + 1e-6));
    } catch (NumberFormatException e) {
      return false;
    }
  }

  private static String expected(FieldDescriptor field) {
    return switch (field.getJavaType()) {
      case INT, LONG -> "a whole number from " + WholeNumbers.of(field).least() + " to "
          + WholeNumbers.of(field).most();
      case FLOAT -> "a number, at most " + Float.MAX_VALUE + " from 0";
      case DOUBLE -> "a number, at most " + Double.MAX_VALUE + " from 0";
      case BOOLEAN -> "true or false";
      case STRING -> "a text";
      case BYTE_STRING -> "bytes in base64";
      case ENUM -> "one of " + field.getEnumType().getValues().stream().filter(value -> value.getNumber() != 0)
          .map(value -> value.getName()).collect(Collectors.joining(", "));
      case MESSAGE -> "an object, {...}";
    };
  }

  private StatusRuntimeException fault(JsonToken token, String expected) throws IOException {
    return fault("is " + shown(token) + "; it must be " + expected);
  }

  private StatusRuntimeException fault(String what) {
    return invalid(source.prefix() + SafeText.bounded(path.toString(), SafeText.NAME) + ": " + what);
  }

  private String shown(JsonToken token) throws IOException {
    return switch (token) {
      case START_OBJECT, END_OBJECT -> "an object";
      case START_ARRAY, END_ARRAY -> "a list";
      case VALUE_STRING -> '"' + SafeText.bounded(parser.getText(), MOST_SHOWN) + '"';
      default -> SafeText.bounded(parser.getText(), MOST_SHOWN);
    };
  }

  /** Those that an integer field takes. */
  private record WholeNumbers(BigInteger least, BigInteger most) {

    private static final WholeNumbers SIGNED_32 = of(Integer.MIN_VALUE, Integer.MAX_VALUE);
    private static final WholeNumbers UNSIGNED_32 = of(0, 0xFFFFFFFFL);
    private static final WholeNumbers SIGNED_64 = of(Long.MIN_VALUE, Long.MAX_VALUE);
    private static final WholeNumbers UNSIGNED_64 = new WholeNumbers(BigInteger.ZERO,
        BigInteger.TWO.pow(64).subtract(BigInteger.ONE));

    private static WholeNumbers of(long least, long most) {
      return new WholeNumbers(BigInteger.valueOf(least), BigInteger.valueOf(most));
    }

    static WholeNumbers of(FieldDescriptor field) {
      return switch (field.getType()) {
        case UINT32, FIXED32 -> UNSIGNED_32;
        case UINT64, FIXED64 -> UNSIGNED_64;
        case INT32, SINT32, SFIXED32 -> SIGNED_32;
        default -> SIGNED_64;
      };
    }

    boolean holds(String text) {
      if (!DECIMAL.matcher(text).matches()) {
        return false;
      }
      try {
        BigInteger value = new BigDecimal(text).toBigIntegerExact();
        return value.compareTo(least) >= 0 && value.compareTo(most) <= 0;
      } catch (ArithmeticException fraction) {
        return false;
      }
    }
  }
}
