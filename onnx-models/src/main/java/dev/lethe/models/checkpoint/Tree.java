package dev.lethe.models.checkpoint;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A place in a checkpoint: a dictionary, a list, an object, a tensor or a plain value. Going down is the reader's own
 * doing, one step at a time: what leads back to itself is no trouble.
 *
 * @param path how it was reached, for messages; empty at the top
 * @param value what is there
 */
public record Tree(String path, Object value) {

  public Tree {
    // An array is set up after it is made, and what it is made as may have been stored before.
    if (value instanceof PickledObject object && object.state() instanceof StoredTensor tensor) {
      value = tensor;
    }
  }

  /** True for a dictionary. */
  public boolean isMap() {
    return value instanceof Map;
  }

  public boolean isList() {
    return value instanceof List;
  }

  public boolean isNull() {
    return value == null;
  }

  public boolean isTensor() {
    return value instanceof StoredTensor;
  }

  /** True for an object of this class, given with its module. */
  public boolean isObject(String className) {
    return value instanceof PickledObject object && object.className().equals(className);
  }

  /** The first argument that an object was made with. */
  public Tree argument() throws CheckpointException {
    if (value instanceof PickledObject object && !object.arguments().isEmpty()) {
      return new Tree(path, object.arguments().get(0));
    }
    throw unlike("an object made of something");
  }

  /** What an object was set up with. */
  public Tree state() throws CheckpointException {
    if (value instanceof PickledObject object) {
      return new Tree(path, object.state());
    }
    throw unlike("an object");
  }

  /** True if it is a dictionary with this key. */
  public boolean has(String key) {
    return value instanceof Map<?, ?> map && map.containsKey(key);
  }

  /** What a dictionary has under a key; a null value if it has no such key. */
  public Tree get(String key) throws CheckpointException {
    if (value instanceof Map<?, ?> map) {
      return new Tree(below(key), map.get(key));
    }
    throw unlike("a dictionary");
  }

  /** What a dictionary has, by those of its keys that are texts. */
  public Map<String, Tree> children() throws CheckpointException {
    if (!(value instanceof Map<?, ?> map)) {
      throw unlike("a dictionary");
    }
    Map<String, Tree> children = new LinkedHashMap<>();
    map.forEach((key, child) -> {
      if (key instanceof String name) {
        children.put(name, new Tree(below(name), child));
      }
    });
    return children;
  }

  /** What a list has. */
  public List<Tree> items() throws CheckpointException {
    if (!(value instanceof List<?> list)) {
      throw unlike("a list");
    }
    return java.util.stream.IntStream.range(0, list.size())
        .mapToObj(i -> new Tree(path + "[" + i + "]", list.get(i))).toList();
  }

  public StoredTensor tensor() throws CheckpointException {
    if (value instanceof StoredTensor tensor) {
      return tensor;
    }
    throw unlike("a tensor");
  }

  public String text() throws CheckpointException {
    if (value instanceof String text) {
      return text;
    }
    throw unlike("a text");
  }

  /** A number, whole or not. */
  public double number() throws CheckpointException {
    if (value instanceof Number number) {
      return number.doubleValue();
    }
    throw unlike("a number");
  }

  /** A whole number that an int holds. */
  public int integer() throws CheckpointException {
    if (value instanceof Long number && number == number.intValue()) {
      return number.intValue();
    }
    throw unlike("a whole number");
  }

  private String below(String key) {
    return path.isEmpty() ? key : path + "." + key;
  }

  private CheckpointException unlike(String expected) {
    return new CheckpointException((path.isEmpty() ? "it" : path) + " is " + describe(value) + " (expected: " + expected
        + ")");
  }

  /** What a value is, in a word or two. */
  public static String describe(Object value) {
    if (value == null) {
      return "nothing";
    }
    if (value instanceof PickledObject object) {
      return "an object of class " + object.className();
    }
    if (value instanceof Map) {
      return "a dictionary";
    }
    if (value instanceof List) {
      return "a list";
    }
    if (value instanceof StoredTensor) {
      return "a tensor";
    }
    if (value instanceof String) {
      return "a text";
    }
    if (value instanceof Blob blob) {
      return blob.isText() ? "a text" : "a run of bytes";
    }
    return value instanceof Boolean || value instanceof Number ? String.valueOf(value) : "something else";
  }
}
