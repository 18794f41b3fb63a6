package dev.lethe.models.checkpoint;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Everything that a pickle of a network may name, and what it stands for here. A name beyond these ends the reading:
 * {@code os.system} as well as a class that is merely unknown.
 */
final class KnownClasses implements Unpickler.Constructors {

  private static final String PERSISTENT = "torch_utils.persistence._reconstruct_persistent_obj";
  private static final String LOAD_STORAGE = "torch.storage._load_from_bytes";
  private static final String TORCH = "torch.";
  private static final String STORAGE = "Storage";

  private static final Set<String> MAPS = Set.of("builtins.dict", "collections.OrderedDict", "collections.defaultdict",
      "dnnlib.util.EasyDict", "dnnlib.EasyDict");
  private static final Set<String> LISTS = Set.of("builtins.set", "builtins.frozenset", "builtins.list",
      "builtins.tuple", "torch.Size");
  /** Objects that are kept as what they were made of and set up with. */
  private static final Set<String> OBJECTS = Set.of(PERSISTENT, "dnnlib.tflib.network.Network", "argparse.Namespace",
      "numpy.dtype", "torch.device");
  /** Functions that make tensors, texts and numbers, and the classes that they are given. */
  private static final Set<String> OTHERS = Set.of("_codecs.encode", "builtins.bytes", "builtins.bytearray",
      "builtins.object", "builtins.int", "builtins.float", "builtins.bool", "builtins.str", "copyreg._reconstructor",
      "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_parameter",
      "torch._utils._rebuild_parameter_with_state", "torch.nn.parameter.Parameter", "torch.storage.UntypedStorage",
      "torch.storage.TypedStorage", LOAD_STORAGE, "numpy.ndarray", "numpy.core.multiarray._reconstruct",
      "numpy.core.multiarray.scalar", "numpy.core.numeric._frombuffer");
  private static final Set<String> TORCH_TYPES = Set.of("float64", "float32", "float16", "bfloat16", "int64", "int32",
      "int16", "int8", "uint8", "bool");

  /** Storages that a pickle refers to. */
  interface Storages {
    /**
     * @param key of the storage in the file
     * @param size elements that the pickle says it has
     */
    Storage get(ElementType type, String key, long size) throws CheckpointException;
  }

  /** Elements that calls may copy in all: what is stored once can be named again for a few bytes. */
  private static final int MOST_COPIED = 2_000_000;
  /** Bytes that count as one element. */
  private static final int ELEMENT = 32;
  /** Tensors of all networks of a file; large models have a few thousand. */
  private static final int MOST_NESTED = 50_000;

  private final Storages storages;
  private final boolean nested;
  private long copied;
  private int nestedPickles;

  private KnownClasses(Storages storages, boolean nested) {
    this.storages = storages;
    this.nested = nested;
  }

  /** For a pickle with storages beside it; null if there are none. */
  static KnownClasses with(Storages storages) {
    return new KnownClasses(storages, false);
  }

  /** For a pickle within a pickle, which has none within itself. */
  static KnownClasses nestedWith(Storages storages) {
    return new KnownClasses(storages, true);
  }

  @Override
  public void require(Global global) throws CheckpointException {
    String name = global.name();
    boolean known = MAPS.contains(name) || LISTS.contains(name) || OBJECTS.contains(name) || OTHERS.contains(name)
        || name.startsWith(TORCH) && (TORCH_TYPES.contains(name.substring(TORCH.length())) || isStorage(name));
    if (!known || nested && name.equals(LOAD_STORAGE)) {
      throw new CheckpointException("the pickle names " + name + ", which is not on the list of what a StyleGAN2 "
          + "checkpoint is made of; nothing of it was executed" + ForeignModels.hint(name));
    }
  }

  private static boolean isStorage(String name) {
    return name.endsWith(STORAGE)
        && ElementType.ofTorch(name.substring(TORCH.length(), name.length() - STORAGE.length())) != null;
  }

  // ---- calls ----

  @Override
  public Object call(Global global, List<?> arguments) throws CheckpointException {
    String name = global.name();
    if (MAPS.contains(name)) {
      return map(arguments);
    }
    if (LISTS.contains(name)) {
      return arguments.isEmpty() ? new ArrayList<>() : new ArrayList<>(counted(list(arguments.get(0), name)));
    }
    if (OBJECTS.contains(name)) {
      return new PickledObject(name, arguments);
    }
    return switch (name) {
      case "_codecs.encode" -> encode(arguments);
      case "builtins.bytes", "builtins.bytearray" ->
          arguments.isEmpty() ? Blob.bytes(ByteBuffer.allocate(0)) : blob(arguments.get(0), name);
      case "copyreg._reconstructor" -> reconstruct(arguments);
      case "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2" -> torchTensor(name, arguments);
      case "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state",
          "torch.nn.parameter.Parameter" -> argument(name, arguments, 0);
      case LOAD_STORAGE -> nested(blob(argument(name, arguments, 0), name));
      case "numpy.core.multiarray._reconstruct" -> new PickledObject("numpy.ndarray", List.of());
      case "numpy.core.multiarray.scalar" -> scalar(name, arguments);
      case "numpy.core.numeric._frombuffer" -> fromBuffer(name, arguments);
      default -> throw new CheckpointException("the pickle calls " + name + ", which no checkpoint does");
    };
  }

  private static Object argument(String name, List<?> arguments, int index) throws CheckpointException {
    if (index >= arguments.size()) {
      throw new CheckpointException(name + " is called with " + arguments.size() + " arguments");
    }
    return arguments.get(index);
  }

  private Storage nested(Blob pickle) throws CheckpointException {
    if (++nestedPickles > MOST_NESTED) {
      throw new CheckpointException("the pickle has more than " + MOST_NESTED + " tensors");
    }
    return TorchLegacy.storage(pickle.bytes());
  }

  private List<?> counted(List<?> list) throws CheckpointException {
    count(list.size());
    return list;
  }

  private void count(long more) throws CheckpointException {
    copied += more;
    if (copied > MOST_COPIED) {
      throw new CheckpointException("the pickle copies more than " + MOST_COPIED + " values");
    }
  }

  private Map<Object, Object> map(List<?> arguments) throws CheckpointException {
    Map<Object, Object> map = new LinkedHashMap<>();
    // defaultdict has its factory there, dict what it is copied from, OrderedDict of old its pairs.
    for (Object argument : arguments) {
      if (argument instanceof Map<?, ?> other) {
        count(other.size());
        map.putAll(other);
      } else if (argument instanceof List<?> pairs) {
        count(pairs.size());
        for (Object pair : pairs) {
          Unpickler.put(map, counted(list(pair, "a dictionary")));
        }
      } else if (!(argument instanceof Global)) {
        throw new CheckpointException("a dictionary is made of " + Tree.describe(argument));
      }
    }
    return map;
  }

  /** How protocols below 2 make objects: class, base, and what the base is made of. */
  private Object reconstruct(List<?> arguments) throws CheckpointException {
    if (argument("copyreg._reconstructor", arguments, 0) instanceof Global made) {
      Object base = arguments.size() > 2 ? arguments.get(2) : null;
      return call(made, base == null ? List.of() : List.of(base));
    }
    throw new CheckpointException("copyreg._reconstructor is called without a class");
  }

  private Object encode(List<?> arguments) throws CheckpointException {
    Object encoding = argument("_codecs.encode", arguments, 1);
    if (!"latin1".equals(encoding) && !"latin-1".equals(encoding)) {
      throw new CheckpointException("bytes are written as text in the encoding " + encoding + " (expected: latin1)");
    }
    Object text = arguments.get(0);
    if (text instanceof String characters) {
      count(characters.length() / ELEMENT + 1);
      return Blob.bytes(ByteBuffer.wrap(Blob.latin1(characters)));
    }
    return blob(text, "_codecs.encode").latin1();
  }

  // ---- torch ----

  private static StoredTensor torchTensor(String name, List<?> arguments) throws CheckpointException {
    if (!(argument(name, arguments, 0) instanceof Storage storage)) {
      throw new CheckpointException("a tensor's storage is " + Tree.describe(arguments.get(0)));
    }
    return StoredTensor.view(storage, whole(argument(name, arguments, 1)), wholes(argument(name, arguments, 2), name),
        wholes(argument(name, arguments, 3), name));
  }

  /**
   * What {@code torch.save} refers to a storage by: "storage", its class, key, place, elements and what it is a view
   * of.
   */
  @Override
  public Object persistent(Object id) throws CheckpointException {
    if (storages == null) {
      throw new CheckpointException("the pickle refers to data outside of it, which are not there");
    }
    List<?> parts = list(id, "a storage");
    if (parts.size() < 5 || !"storage".equals(parts.get(0)) || !(parts.get(1) instanceof Global type)
        || !isStorage(type.name())) {
      throw new CheckpointException("the pickle refers to data in a way that is not read (expected: a storage of a "
          + "known "
          + "type)");
    }
    if (parts.size() > 5 && parts.get(5) != null) {
      throw new CheckpointException("a storage is a view of another; save the checkpoint again with a torch of today");
    }
    ElementType elements = ElementType.ofTorch(
        type.name().substring(TORCH.length(), type.name().length() - STORAGE.length()));
    return storages.get(elements, String.valueOf(parts.get(2)), whole(parts.get(4)));
  }

  // ---- numpy ----

  private Object scalar(String name, List<?> arguments) throws CheckpointException {
    ElementType type = numpyType(argument(name, arguments, 0));
    ByteBuffer bytes = blob(argument(name, arguments, 1), name).bytes().order(java.nio.ByteOrder.LITTLE_ENDIAN);
    if (bytes.remaining() != type.bytes()) {
      throw new CheckpointException("a number of type " + type + " has " + bytes.remaining() + " bytes");
    }
    return switch (type) {
      case F64 -> bytes.getDouble(0);
      case F32, F16, BF16 -> (double) type.real(bytes, 0);
      case I64 -> bytes.getLong(0);
      case I32 -> (long) bytes.getInt(0);
      case I16 -> (long) bytes.getShort(0);
      case I8 -> (long) bytes.get(0);
      case U8 -> bytes.get(0) & 0xffL;
      case BOOL -> bytes.get(0) != 0;
    };
  }

  private StoredTensor fromBuffer(String name, List<?> arguments) throws CheckpointException {
    ElementType type = numpyType(argument(name, arguments, 1));
    boolean columnMajor = arguments.size() > 3 && "F".equals(arguments.get(3));
    return array(type, wholes(argument(name, arguments, 2), name), columnMajor,
        blob(argument(name, arguments, 0), name));
  }

  private static StoredTensor array(ElementType type, long[] shape, boolean columnMajor, Blob blob)
      throws CheckpointException {
    Storage storage = new Storage(type, blob.bytes().remaining() / type.bytes(), blob::bytes);
    StoredTensor tensor = columnMajor ? StoredTensor.wholeColumnMajor(storage, shape)
        : StoredTensor.whole(storage, shape);
    if (tensor.size() * type.bytes() != blob.bytes().remaining()) {
      throw new CheckpointException("an array of shape " + java.util.Arrays.toString(shape) + " and type " + type
          + " has "
          + blob.bytes().remaining() + " bytes");
    }
    return tensor;
  }

  private static ElementType numpyType(Object value) throws CheckpointException {
    if (!(value instanceof PickledObject object) || !object.className().equals("numpy.dtype")
        || object.arguments().isEmpty() || !(object.arguments().get(0) instanceof String name)) {
      throw new CheckpointException("a numpy type is " + Tree.describe(value));
    }
    String bare = name.startsWith("<") || name.startsWith("|") || name.startsWith("=") || name.startsWith(">")
        ? name.substring(1) : name;
    Object order = object.state() instanceof List<?> state && state.size() > 1 ? state.get(1) : "<";
    if (name.startsWith(">") || ">".equals(order)) {
      throw new CheckpointException("an array is big-endian; only little-endian ones are read");
    }
    ElementType type = ElementType.ofNumpy(bare);
    if (type == null) {
      throw new CheckpointException("an array has elements of numpy's type " + name + ", which are not read");
    }
    return type;
  }

  // ---- set up ----

  @Override
  public Object build(Object object, Object state) throws CheckpointException {
    if (object instanceof PickledObject made) {
      if (made.className().equals("numpy.ndarray")) {
        setUpArray(made, state);
      } else {
        made.state(state);
      }
      return object;
    }
    if (object instanceof Map || object instanceof List || object instanceof StoredTensor) {
      // Attributes of a dictionary or a tensor: versions of modules, which nobody needs.
      return object;
    }
    throw new CheckpointException("the pickle sets up " + Tree.describe(object));
  }

  // The array may be in the memo already: it is set up in place, and whoever asks finds the tensor in it.
  private void setUpArray(PickledObject array, Object state) throws CheckpointException {
    List<?> parts = list(state, "an array");
    int first = parts.size() == 5 ? 1 : 0;
    if (parts.size() < 4 + first) {
      throw new CheckpointException("an array is set up with " + parts.size() + " values");
    }
    if (parts.get(first + 3) instanceof List) {
      // Objects: no weights.
      return;
    }
    ElementType type = numpyType(parts.get(first + 1));
    array.state(array(type, wholes(parts.get(first), "an array"), Boolean.TRUE.equals(parts.get(first + 2)),
        blob(parts.get(first + 3), "an array")));
  }

  // ---- operands ----

  private static List<?> list(Object value, String of) throws CheckpointException {
    if (value instanceof List<?> list) {
      return list;
    }
    throw new CheckpointException(of + " is made of " + Tree.describe(value));
  }

  private Blob blob(Object value, String of) throws CheckpointException {
    if (value instanceof Blob blob) {
      return blob;
    }
    if (value instanceof String text) {
      // Python 2's bytes.
      count(text.length() / ELEMENT + 1);
      return Blob.bytes(ByteBuffer.wrap(Blob.latin1(text)));
    }
    throw new CheckpointException(of + " is given " + Tree.describe(value) + " for bytes");
  }

  private static long whole(Object value) throws CheckpointException {
    if (value instanceof Long number) {
      return number;
    }
    throw new CheckpointException("a size is " + Tree.describe(value));
  }

  private static long[] wholes(Object value, String of) throws CheckpointException {
    List<?> list = list(value, of);
    long[] wholes = new long[list.size()];
    for (int i = 0; i < wholes.length; i++) {
      wholes[i] = whole(list.get(i));
    }
    return wholes;
  }
}
