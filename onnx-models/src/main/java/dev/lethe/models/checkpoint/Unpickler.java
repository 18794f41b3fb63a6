package dev.lethe.models.checkpoint;

import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The machine that a pickle is a program for, protocols 0 to 5 (Python's {@code pickletools} documents the operations).
 * It has a stack and a memo, and makes dictionaries, lists, texts, numbers and what {@link Constructors} knows; a name
 * that these do not know ends it. There is no operation that runs anything.
 *
 * <p>Each operation makes at most one object, of the size of what the file spends on it; operations and texts are
 * counted. Lists and dictionaries may contain themselves, so nothing here walks through what was made.
 */
final class Unpickler {

  /** Operations of one pickle. Large models have a few hundred thousand. */
  private static final int MOST_OPERATIONS = 2_000_000;
  /** Characters of a text that may be a name; longer ones, such as source code, stay where they are. */
  private static final int LONGEST_NAME = 4096;
  private static final int MOST_TEXT = 64 << 20;
  /** Bytes of a whole number. */
  private static final int LONGEST_NUMBER = 64;
  private static final int LATEST_PROTOCOL = 5;

  /** Makes objects of the names that a pickle calls. */
  interface Constructors {

    /** @throws CheckpointException if nothing of this name belongs into a checkpoint */
    void require(Global global) throws CheckpointException;

    /** What calling the name with arguments stands for. */
    Object call(Global global, List<?> arguments) throws CheckpointException;

    /** An object after its state was set: the same, or another in its place. */
    Object build(Object object, Object state) throws CheckpointException;

    /** What stands outside of the pickle. */
    Object persistent(Object id) throws CheckpointException;
  }

  /** Where a list of operands begins. */
  private static final Object MARK = new Object();

  private final ByteBuffer in;
  private final Constructors constructors;
  private final List<Object> stack = new ArrayList<>();
  private final List<Integer> marks = new ArrayList<>();
  private final Map<Long, Object> memo = new HashMap<>();
  private int operations;
  private long text;

  private Unpickler(ByteBuffer in, Constructors constructors) {
    this.in = in;
    this.constructors = constructors;
  }

  /**
   * Reads one pickle.
   *
   * @param in from its first byte; ends after its last
   * @throws CheckpointException if it is damaged, too large, or calls for what does not belong into a checkpoint
   */
  static Object read(ByteBuffer in, Constructors constructors) throws CheckpointException {
    return read(in, constructors, MOST_OPERATIONS);
  }

  /** The same of a pickle of so many operations at most. */
  static Object read(ByteBuffer in, Constructors constructors, int most) throws CheckpointException {
    in.order(ByteOrder.LITTLE_ENDIAN);
    Unpickler machine = new Unpickler(in, constructors);
    int start = in.position();
    int at = start;
    try {
      while (true) {
        at = in.position();
        int operation = in.get() & 0xff;
        if (operation == '.') {
          return machine.pop();
        }
        if (++machine.operations > most) {
          throw new CheckpointException("the pickle has more than " + most
              + " operations; no StyleGAN2 checkpoint has so many");
        }
        machine.run(operation);
      }
    } catch (java.nio.BufferUnderflowException e) {
      throw new CheckpointException("the pickle ends in the middle of byte " + at
          + "'s operation; the file is cut short "
          + "or damaged", e);
    } catch (CheckpointException e) {
      throw e.at(at);
    }
  }

  private void run(int operation) throws CheckpointException {
    switch (operation) {
      case 0x80 -> protocol(in.get() & 0xff);
      case 0x95 -> skip(Long.BYTES);
      case '(' -> mark();
      case '0' -> drop();
      case '1' -> popMark();
      case '2' -> push(peek());
      case 'N' -> push(null);
      case 0x88 -> push(true);
      case 0x89 -> push(false);
      case 'J' -> push((long) in.getInt());
      case 'K' -> push((long) (in.get() & 0xff));
      case 'M' -> push((long) (in.getShort() & 0xffff));
      case 'I' -> push(integer(line()));
      case 'L' -> push(integer(stripped(line())));
      case 0x8a -> push(number(in.get() & 0xff));
      case 0x8b -> push(number(in.getInt()));
      case 'F' -> push(real(line()));
      case 'G' -> push(Double.longBitsToDouble(Long.reverseBytes(in.getLong())));
      case 'C', 'U' -> push(bytesOrName(operation, in.get() & 0xff));
      case 'B', 'T' -> push(bytesOrName(operation, in.getInt() & 0xffffffffL));
      case 0x8e, 0x96 -> push(Blob.bytes(slice(in.getLong())));
      case 'X' -> push(name(slice(in.getInt() & 0xffffffffL)));
      case 0x8c -> push(name(slice(in.get() & 0xff)));
      case 0x8d -> push(name(slice(in.getLong())));
      case 'S' -> push(quoted(line()));
      case 'V' -> push(escaped(line()));
      case ']' -> push(new ArrayList<>());
      case '}' -> push(new LinkedHashMap<>());
      case ')' -> push(List.of());
      case 0x8f -> push(new ArrayList<>());
      case 'l' -> push(popMark());
      case 't' -> push(popMark());
      case 0x91 -> push(popMark());
      case 'd' -> push(put(new LinkedHashMap<>(), popMark()));
      case 0x85 -> tuple(1);
      case 0x86 -> tuple(2);
      case 0x87 -> tuple(3);
      case 'a' -> append(List.of(new Holder(pop())));
      case 'e', 0x90 -> append(popMark().stream().map(Holder::new).toList());
      case 's' -> setItem();
      case 'u' -> {
        List<Object> pairs = popMark();
        put(map(peek()), pairs);
      }
      case 'p' -> memo.put(key(line()), peek());
      case 'q' -> memo.put((long) (in.get() & 0xff), peek());
      case 'r' -> memo.put(in.getInt() & 0xffffffffL, peek());
      case 0x94 -> memo.put((long) memo.size(), peek());
      case 'g' -> push(remembered(key(line())));
      case 'h' -> push(remembered(in.get() & 0xff));
      case 'j' -> push(remembered(in.getInt() & 0xffffffffL));
      case 'c' -> push(global(line(), line()));
      case 0x93 -> {
        Object name = pop();
        push(global(text(pop()), text(name)));
      }
      case 'R' -> {
        List<?> arguments = list(pop());
        push(constructors.call(callee(pop()), arguments));
      }
      case 0x81 -> {
        List<?> arguments = list(pop());
        push(constructors.call(callee(pop()), arguments));
      }
      case 0x92 -> {
        Map<?, ?> named = map(pop());
        List<?> arguments = list(pop());
        Global callee = callee(pop());
        if (!named.isEmpty()) {
          throw new CheckpointException(callee.name() + " is called with named arguments, which no checkpoint does");
        }
        push(constructors.call(callee, arguments));
      }
      case 'i' -> {
        Global callee = global(line(), line());
        push(constructors.call(callee, popMark()));
      }
      case 'o' -> {
        List<Object> all = popMark();
        if (all.isEmpty()) {
          throw new CheckpointException("an object is made of nothing");
        }
        push(constructors.call(callee(all.get(0)), all.subList(1, all.size())));
      }
      case 'b' -> {
        Object state = pop();
        push(constructors.build(pop(), state));
      }
      case 'P' -> push(constructors.persistent(line()));
      case 'Q' -> push(constructors.persistent(pop()));
      case 0x82, 0x83, 0x84 ->
          throw new CheckpointException("the pickle uses an extension code, which no checkpoint does");
      case 0x97, 0x98 ->
          throw new CheckpointException("the pickle refers to buffers outside of it, which are not there");
      default -> throw new CheckpointException(operation >= ' ' && operation < 127
          ? "'" + (char) operation + "' is no operation of a pickle"
          : "0x" + Integer.toHexString(operation) + " is no operation of a pickle");
    }
  }

  private static void protocol(int version) throws CheckpointException {
    if (version > LATEST_PROTOCOL) {
      throw new CheckpointException("the pickle is of protocol " + version + "; protocols up to " + LATEST_PROTOCOL
          + " are read");
    }
  }

  // ---- the stack ----

  private void push(Object value) {
    stack.add(value);
  }

  private Object peek() throws CheckpointException {
    if (stack.isEmpty() || stack.get(stack.size() - 1) == MARK) {
      throw new CheckpointException("the pickle takes more from its stack than there is");
    }
    return stack.get(stack.size() - 1);
  }

  private Object pop() throws CheckpointException {
    Object top = peek();
    stack.remove(stack.size() - 1);
    return top;
  }

  /** What is on top goes, be it a mark. */
  private void drop() throws CheckpointException {
    if (!marks.isEmpty() && marks.get(marks.size() - 1) == stack.size() - 1) {
      popMark();
    } else {
      pop();
    }
  }

  private void mark() {
    marks.add(stack.size());
    stack.add(MARK);
  }

  /** What lies above the last mark, which goes. */
  private List<Object> popMark() throws CheckpointException {
    if (marks.isEmpty()) {
      throw new CheckpointException("the pickle takes more from its stack than there is");
    }
    int from = marks.remove(marks.size() - 1);
    List<Object> above = stack.subList(from + 1, stack.size());
    List<Object> taken = new ArrayList<>(above);
    stack.subList(from, stack.size()).clear();
    return taken;
  }

  private void tuple(int size) throws CheckpointException {
    List<Object> items = new ArrayList<>();
    for (int i = 0; i < size; i++) {
      items.add(0, pop());
    }
    push(items);
  }

  private Object remembered(long key) throws CheckpointException {
    if (!memo.containsKey(key)) {
      throw new CheckpointException("the pickle recalls number " + key + ", which it never stored");
    }
    return memo.get(key);
  }

  // ---- lists and dictionaries ----

  /** Lets null pass through collections that have none. */
  private record Holder(Object value) {}

  @SuppressWarnings("unchecked")
  private void append(List<Holder> items) throws CheckpointException {
    if (!(peek() instanceof ArrayList)) {
      throw new CheckpointException("the pickle appends to " + Tree.describe(peek()));
    }
    List<Object> list = (List<Object>) peek();
    items.forEach(item -> list.add(item.value()));
  }

  private void setItem() throws CheckpointException {
    Object value = pop();
    Object key = pop();
    List<Object> pair = new ArrayList<>();
    pair.add(key);
    pair.add(value);
    put(map(peek()), pair);
  }

  /** @param pairs key, value, key, value */
  static Map<Object, Object> put(Map<Object, Object> map, List<?> pairs) throws CheckpointException {
    if (pairs.size() % 2 != 0) {
      throw new CheckpointException("a dictionary has a key without a value");
    }
    for (int i = 0; i < pairs.size(); i += 2) {
      Object key = pairs.get(i);
      // Others would be hashed by their contents, which may contain them.
      map.put(key == null || key instanceof String || key instanceof Number || key instanceof Boolean ? key
          : new Holder(null), pairs.get(i + 1));
    }
    return map;
  }

  @SuppressWarnings("unchecked")
  private static Map<Object, Object> map(Object value) throws CheckpointException {
    if (value instanceof Map) {
      return (Map<Object, Object>) value;
    }
    throw new CheckpointException("the pickle takes " + Tree.describe(value) + " for a dictionary");
  }

  private static List<?> list(Object value) throws CheckpointException {
    if (value instanceof List<?> list) {
      return list;
    }
    throw new CheckpointException("the pickle takes " + Tree.describe(value) + " for arguments");
  }

  // ---- names ----

  private Global global(String module, String name) throws CheckpointException {
    Global global = Global.of(module, name);
    constructors.require(global);
    return global;
  }

  private static Global callee(Object value) throws CheckpointException {
    if (value instanceof Global global) {
      return global;
    }
    throw new CheckpointException("the pickle calls " + Tree.describe(value));
  }

  private static String text(Object value) throws CheckpointException {
    if (value instanceof String text) {
      return text;
    }
    throw new CheckpointException("the pickle takes " + Tree.describe(value) + " for a name");
  }

  // ---- what operations have after them ----

  private ByteBuffer slice(long length) throws CheckpointException {
    if (length < 0 || length > in.remaining()) {
      throw new CheckpointException("the pickle announces " + Long.toUnsignedString(length) + " bytes, and "
          + in.remaining()
          + " are left; the file is cut short or damaged");
    }
    ByteBuffer slice = in.slice(in.position(), (int) length);
    in.position(in.position() + (int) length);
    return slice;
  }

  private void skip(int length) throws CheckpointException {
    slice(length);
  }

  /** Characters up to the end of a line. */
  private String line() throws CheckpointException {
    int end = in.position();
    while (end < in.limit() && in.get(end) != '\n') {
      end++;
    }
    if (end == in.limit()) {
      throw new CheckpointException("a line of the pickle has no end; the file is cut short or damaged");
    }
    ByteBuffer line = slice(end - in.position());
    in.get();
    count(line.remaining());
    return StandardCharsets.ISO_8859_1.decode(line).toString();
  }

  private void count(int characters) throws CheckpointException {
    text += characters;
    if (text > MOST_TEXT) {
      throw new CheckpointException("the pickle has more than " + MOST_TEXT
          + " characters of text besides source code");
    }
  }

  /** A text; where it lies if it is too long for a name. */
  private Object name(ByteBuffer utf8) throws CheckpointException {
    if (utf8.remaining() > LONGEST_NAME) {
      return Blob.text(utf8);
    }
    count(utf8.remaining());
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(utf8).toString();
    } catch (CharacterCodingException e) {
      throw new CheckpointException("a text is no UTF-8", e);
    }
  }

  /** Python 2 knew no difference between texts and bytes: short ones are names. */
  private Object bytesOrName(int operation, long length) throws CheckpointException {
    ByteBuffer bytes = slice(length);
    if (operation == 'B' || operation == 'C' || length > LONGEST_NAME) {
      return Blob.bytes(bytes);
    }
    count(bytes.remaining());
    return StandardCharsets.ISO_8859_1.decode(bytes).toString();
  }

  private static String stripped(String number) {
    return number.endsWith("L") ? number.substring(0, number.length() - 1) : number;
  }

  private static Object integer(String digits) throws CheckpointException {
    if (digits.equals("01") || digits.equals("00")) {
      return digits.equals("01");
    }
    try {
      if (digits.length() <= 2 * LONGEST_NUMBER) {
        return small(new BigInteger(digits));
      }
    } catch (NumberFormatException e) {
      throw new CheckpointException("\"" + digits + "\" is no whole number", e);
    }
    throw new CheckpointException("a whole number has " + digits.length() + " digits");
  }

  private Object number(int length) throws CheckpointException {
    if (length < 0 || length > LONGEST_NUMBER) {
      throw new CheckpointException("a whole number has " + Integer.toUnsignedString(length) + " bytes");
    }
    ByteBuffer bytes = slice(length);
    byte[] bigEndian = new byte[length];
    for (int i = 0; i < length; i++) {
      bigEndian[length - 1 - i] = bytes.get(i);
    }
    return length == 0 ? 0L : small(new BigInteger(bigEndian));
  }

  private static Number small(BigInteger number) {
    return number.bitLength() < Long.SIZE ? (Number) number.longValue() : number;
  }

  private static double real(String digits) throws CheckpointException {
    try {
      return switch (digits) {
        case "inf" -> Double.POSITIVE_INFINITY;
        case "-inf" -> Double.NEGATIVE_INFINITY;
        case "nan" -> Double.NaN;
        default -> Double.parseDouble(digits);
      };
    } catch (NumberFormatException e) {
      throw new CheckpointException("\"" + digits + "\" is no number", e);
    }
  }

  private static long key(String digits) throws CheckpointException {
    if (integer(digits) instanceof Long key) {
      return key;
    }
    throw new CheckpointException("\"" + digits + "\" is no key of the memo");
  }

  /** A text in quotes, with Python's escapes. */
  private static Object quoted(String line) throws CheckpointException {
    if (line.length() < 2 || line.charAt(0) != line.charAt(line.length() - 1) || "'\"".indexOf(line.charAt(0)) < 0) {
      throw new CheckpointException("a text lacks its quotes");
    }
    String inner = line.substring(1, line.length() - 1);
    StringBuilder text = new StringBuilder(inner.length());
    for (int i = 0; i < inner.length(); i++) {
      char c = inner.charAt(i);
      if (c != '\\' || i + 1 == inner.length()) {
        text.append(c);
        continue;
      }
      char escape = inner.charAt(++i);
      switch (escape) {
        case 'n' -> text.append('\n');
        case 't' -> text.append('\t');
        case 'r' -> text.append('\r');
        case 'x' -> {
          text.append((char) hexadecimal(inner, i + 1, 2));
          i += 2;
        }
        default -> text.append(escape);
      }
    }
    return longOrShort(text.toString());
  }

  /** A text with \\uXXXX for characters beyond Latin-1, and for \\ and line ends. */
  private static Object escaped(String line) throws CheckpointException {
    StringBuilder text = new StringBuilder(line.length());
    for (int i = 0; i < line.length(); i++) {
      boolean wide = line.startsWith("\\U", i);
      if (wide || line.startsWith("\\u", i)) {
        int digits = wide ? 8 : 4;
        int point = hexadecimal(line, i + 2, digits);
        if (!Character.isValidCodePoint(point)) {
          throw new CheckpointException("a text has no character " + point);
        }
        text.appendCodePoint(point);
        i += digits + 1;
      } else {
        text.append(line.charAt(i));
      }
    }
    return longOrShort(text.toString());
  }

  private static Object longOrShort(String text) {
    return text.length() <= LONGEST_NAME ? text : Blob.text(StandardCharsets.UTF_8.encode(text));
  }

  private static int hexadecimal(String text, int from, int digits) throws CheckpointException {
    try {
      return Integer.parseUnsignedInt(text.substring(from, from + digits), 16);
    } catch (NumberFormatException | StringIndexOutOfBoundsException e) {
      throw new CheckpointException("a text has an escape without its digits", e);
    }
  }
}
