package dev.lethe.models.runtime;

import dev.lethe.models.runtime.CudaOptions.ArenaGrowth;
import dev.lethe.models.runtime.CudaOptions.ConvSearch;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The text form of devices. */
final class DeviceText {

  private static final String MEMORY_LIMIT = "memory-limit";
  private static final String ARENA = "arena";
  private static final String CONV_SEARCH = "conv-search";
  private static final String TF32 = "tf32";
  private static final String FALLBACK = "fallback";
  private static final List<String> OPTIONS = List.of(MEMORY_LIMIT, ARENA, CONV_SEARCH, TF32, FALLBACK);

  private static final Pattern CUDA = Pattern.compile("cuda(?::(\\d{1,4}))?");
  private static final Pattern OPTION = Pattern.compile("([^=]*?)\\s*=\\s*(.*)");

  private final List<String> mistakes = new ArrayList<>();
  private long memoryLimit;
  private ArenaGrowth arena;
  private ConvSearch convSearch;
  private boolean tf32;
  private boolean fallback;

  private DeviceText(CudaOptions defaults) {
    memoryLimit = defaults.memoryLimitMib();
    arena = defaults.arena();
    convSearch = defaults.convSearch();
    tf32 = defaults.tf32();
  }

  static ExecutionDevice read(String text) {
    String[] parts = text.strip().toLowerCase(Locale.ROOT).split("\\s*,\\s*", -1);
    Matcher cuda = CUDA.matcher(parts[0]);
    boolean isCuda = cuda.matches();
    int id = isCuda && cuda.group(1) != null ? Integer.parseInt(cuda.group(1)) : 0;
    DeviceText device = new DeviceText(CudaOptions.of(id));
    if (!isCuda && !parts[0].equals("cpu")) {
      device.mistakes.add("unknown device \"" + parts[0] + "\": use cpu, cuda or cuda:ID");
    } else if (!isCuda && parts.length > 1) {
      device.mistakes.add("cpu has no options");
    }
    if (!parts[0].equals("cpu")) {
      Set<String> seen = new HashSet<>();
      for (int i = 1; i < parts.length; i++) {
        device.readOption(parts[i], seen);
      }
    }
    if (!device.mistakes.isEmpty()) {
      throw new InvalidDeviceException(text, device.mistakes);
    }
    return isCuda
        ? new ExecutionDevice.Cuda(new CudaOptions(id, device.memoryLimit, device.arena, device.convSearch,
            device.tf32), device.fallback)
        : ExecutionDevice.CPU;
  }

  private void readOption(String text, Set<String> seen) {
    Matcher option = OPTION.matcher(text);
    if (!option.matches()) {
      mistakes.add("\"" + text + "\" is no option: use NAME=VALUE, NAME of " + OPTIONS);
      return;
    }
    String name = option.group(1);
    String value = option.group(2);
    if (!seen.add(name)) {
      mistakes.add(name + " is there twice");
      return;
    }
    switch (name) {
      case MEMORY_LIMIT -> memoryLimit = mebibytes(value);
      case ARENA -> arena = constant(name, value, ArenaGrowth.values());
      case CONV_SEARCH -> convSearch = constant(name, value, ConvSearch.values());
      case TF32 -> tf32 = either(name, value, "true", "false");
      case FALLBACK -> fallback = either(name, value, "cpu", "none");
      case "graphs", "cuda-graphs" -> mistakes.add(name + " cannot be had: CUDA graphs need inputs bound to GPU memory,"
          + " which ONNX Runtime's Java API does not offer");
      default -> mistakes.add("there is no option " + name + ": use one of " + OPTIONS);
    }
  }

  private long mebibytes(String value) {
    if (value.matches("\\d{1,9}") && Long.parseLong(value) <= CudaOptions.LARGEST_LIMIT_MIB) {
      return Long.parseLong(value);
    }
    mistakes.add(MEMORY_LIMIT + " is \"" + value + "\"; it must be a whole number of MiB from 0 (no limit) to "
        + CudaOptions.LARGEST_LIMIT_MIB);
    return 0;
  }

  private boolean either(String name, String value, String yes, String no) {
    if (!value.equals(yes) && !value.equals(no)) {
      mistakes.add(name + " is \"" + value + "\"; it must be " + yes + " or " + no);
    }
    return value.equals(yes);
  }

  private <E extends Enum<E>> E constant(String name, String value, E[] all) {
    List<String> names = new ArrayList<>();
    for (E one : all) {
      if (word(one).equals(value)) {
        return one;
      }
      names.add(word(one));
    }
    mistakes.add(name + " is \"" + value + "\"; it must be one of " + String.join(", ", names));
    return all[0];
  }

  private static String word(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** What is as by default is left out. */
  static String write(ExecutionDevice.Cuda device) {
    CudaOptions options = device.options();
    CudaOptions defaults = CudaOptions.of(options.device());
    StringBuilder text = new StringBuilder("cuda:").append(options.device());
    append(text, MEMORY_LIMIT, options.memoryLimitMib(), defaults.memoryLimitMib());
    append(text, ARENA, word(options.arena()), word(defaults.arena()));
    append(text, CONV_SEARCH, word(options.convSearch()), word(defaults.convSearch()));
    append(text, TF32, options.tf32(), defaults.tf32());
    append(text, FALLBACK, device.fallback() ? "cpu" : "none", "none");
    return text.toString();
  }

  private static void append(StringBuilder text, String name, Object value, Object byDefault) {
    if (!value.equals(byDefault)) {
      text.append(',').append(name).append('=').append(value);
    }
  }
}
