package dev.lethe.server.config;

import dev.lethe.server.logging.SafeText;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * The settings of a server, each from the first that names it: flag, environment, file, the caller's own default, the
 * setting's default. Reading never stops at a mistake; it collects them.
 */
public final class Configuration {

  /**
   * Where values come from, strongest first.
   *
   * @param flags by flag, {@code --port}
   * @param environment by variable, {@code LETHE_PORT}; variables that are empty or no setting's do not count
   * @param file a YAML file; a key that is no setting's is a mistake, one left empty does not count
   * @param defaults by key; what stands in for the settings' own defaults
   */
  public record Sources(Map<String, String> flags, Map<String, String> environment, Optional<Path> file,
      Map<String, String> defaults) {}

  private record Origin(String text, String where) {}

  // Before each key in messages: where it lies in the file.
  private final String prefix;
  // Has the value of what this one says nothing of.
  private final Optional<Configuration> general;
  private final List<Mistake> mistakes;
  private final Map<Setting<?>, Origin> origins = new LinkedHashMap<>();
  private final Map<Setting<?>, Object> values = new HashMap<>();
  private final Set<Setting<?>> unsound = new HashSet<>();
  private final Map<Overrides, SortedMap<String, Configuration>> own = new LinkedHashMap<>();

  private Configuration(String prefix, Optional<Configuration> general, List<Mistake> mistakes) {
    this.prefix = prefix;
    this.general = general;
    this.mistakes = mistakes;
  }

  /**
   * @param settings all that there are
   * @param overrides which of them the file may set otherwise, and for what
   */
  public static Configuration read(List<Setting<?>> settings, List<Overrides> overrides, Sources sources) {
    Configuration configuration = new Configuration("", Optional.empty(), new ArrayList<>());
    Map<String, YamlFile.Entry> file = sources.file()
        .map(path -> YamlFile.read(path, configuration.mistakes)).orElseGet(Map::of);
    configuration.refuseUnknown(file, settings, overrides);
    for (Setting<?> setting : settings) {
      configuration.resolve(setting, sources, file.get(setting.key()));
    }
    for (Overrides some : overrides) {
      configuration.own.put(some, configuration.override(some, file));
    }
    return configuration;
  }

  private void refuseUnknown(Map<String, YamlFile.Entry> file, List<Setting<?>> settings, List<Overrides> overrides) {
    Set<String> known = settings.stream().map(Setting::key).collect(Collectors.toSet());
    file.forEach((key, entry) -> {
      if (known.contains(key) || overrides.stream().anyMatch(some -> some.has(key))) {
        return;
      }
      Set<String> candidates = new HashSet<>(known);
      String inSection = key.substring(entry.path().get(0).length());
      overrides.forEach(some -> candidates.add(some.key() + inSection));
      mistakes.add(new Mistake(entry.where(), key + " is not a setting" + Spelling.hint(key, candidates)));
    });
  }

  private void resolve(Setting<?> setting, Sources sources, YamlFile.Entry inFile) {
    String flag = sources.flags().get(setting.flag());
    String variable = sources.environment().get(setting.variable());
    if (flag != null) {
      take(setting, new Origin(flag, setting.flag()));
    } else if (variable != null && !variable.isEmpty()) {
      take(setting, new Origin(variable, setting.variable()));
    } else if (inFile != null && !inFile.text().isEmpty()) {
      take(setting, new Origin(inFile.text(), inFile.where()));
    } else {
      String text = sources.defaults().getOrDefault(setting.key(), setting.fallback());
      if (text != null) {
        take(setting, new Origin(text, "default"));
      }
    }
  }

  private void take(Setting<?> setting, Origin origin) {
    origins.put(setting, origin);
    try {
      values.put(setting, setting.type().parse(origin.text()));
    } catch (IllegalArgumentException e) {
      unsound.add(setting);
      String named = origin.where().equals(setting.flag()) || origin.where().equals(setting.variable()) ? ""
          : prefix + setting.key() + " ";
      mistakes.add(new Mistake(origin.where(), named + "is \"" + SafeText.withoutPasswords(origin.text())
          + "\"; it " + e.getMessage()));
    }
  }

  private SortedMap<String, Configuration> override(Overrides some, Map<String, YamlFile.Entry> file) {
    Map<String, List<YamlFile.Entry>> byName = new LinkedHashMap<>();
    file.forEach((key, entry) -> {
      if (!some.has(key)) {
        return;
      }
      List<String> path = entry.path();
      if (path.size() == 3) {
        byName.computeIfAbsent(path.get(1), name -> new ArrayList<>()).add(entry);
      } else if (path.size() > 3 || !entry.text().isEmpty()) {
        mistakes.add(new Mistake(entry.where(), key + " is not a setting; under " + some.key() + ", each "
            + some.what() + " is a section of its own, with any of " + some.keys()));
      }
    });
    SortedMap<String, Configuration> all = new TreeMap<>();
    byName.forEach((name, entries) -> {
      try {
        some.name().parse(name);
      } catch (IllegalArgumentException e) {
        mistakes.add(new Mistake(entries.get(0).where(), some.key() + " has \"" + name + "\"; it " + e.getMessage()));
      }
      Configuration its = new Configuration(some.key() + "." + name + ".", Optional.of(this), mistakes);
      its.takeAll(entries, some);
      if (!its.origins.isEmpty()) {
        all.put(name, its);
      }
    });
    return all;
  }

  private void takeAll(List<YamlFile.Entry> entries, Overrides some) {
    Map<String, Setting<?>> known = some.settings().stream()
        .collect(Collectors.toMap(Setting::key, setting -> setting));
    for (YamlFile.Entry entry : entries) {
      String key = entry.path().get(2);
      if (!known.containsKey(key)) {
        String hint = Spelling.hint(key, known.keySet());
        mistakes.add(new Mistake(entry.where(), prefix + key + " is not a setting of one " + some.what()
            + (hint.isEmpty() ? "; there are " + some.keys() : hint)));
      } else if (!entry.text().isEmpty()) {
        take(known.get(key), new Origin(entry.text(), entry.where()));
      }
    }
  }

  /**
   * What holds for those that the file has settings for, by name: these settings, and for all others what holds
   * otherwise. What the file says of one goes before all that is said of all, flags included.
   */
  public SortedMap<String, Configuration> own(Overrides overrides) {
    return Collections.unmodifiableSortedMap(own.getOrDefault(overrides, new TreeMap<>()));
  }

  /**
   * The value of a setting that has a default.
   *
   * @throws IllegalStateException if it has no value that can be used: ask {@link #isSound} first
   */
  public <T> T get(Setting<T> setting) {
    return find(setting).orElseThrow(() -> new IllegalStateException(setting.key() + " has no value"));
  }

  /** The value of a setting, if it has one that can be used. */
  @SuppressWarnings("unchecked") // A setting's value was made by its own type.
  public <T> Optional<T> find(Setting<T> setting) {
    return Optional.ofNullable((T) holder(setting).values.get(setting));
  }

  /** False if a value was given that cannot be used: then a check that rests on it has nothing to say. */
  public boolean isSound(Setting<?> setting) {
    return !holder(setting).unsound.contains(setting);
  }

  /** Where a setting's value comes from, as a mistake about it would say; its key if nobody gave one. */
  public String where(Setting<?> setting) {
    Origin origin = holder(setting).origins.get(setting);
    return origin == null || origin.where().equals("default") ? setting.key() : origin.where();
  }

  private Configuration holder(Setting<?> setting) {
    return general.isEmpty() || origins.containsKey(setting) ? this : general.get().holder(setting);
  }

  public List<Mistake> mistakes() {
    return List.copyOf(mistakes);
  }

  /** The settings that have a value, as a file that says the same, with where each value comes from. */
  public String toYaml() {
    StringBuilder yaml = new StringBuilder();
    String section = "";
    for (Map.Entry<Setting<?>, Origin> entry : origins.entrySet()) {
      String key = entry.getKey().key();
      String its = key.substring(0, key.lastIndexOf('.') + 1);
      if (!its.equals(section)) {
        section = its;
        if (!its.isEmpty()) {
          yaml.append(its, 0, its.length() - 1).append(":\n");
        }
      }
      yaml.append(line((its.isEmpty() ? "" : "  ") + key.substring(its.length()), entry.getValue()));
    }
    own.forEach((overrides, byName) -> {
      yaml.append(byName.isEmpty() ? "" : overrides.key() + ":\n");
      byName.forEach((name, its) -> {
        yaml.append("  ").append(name).append(":\n");
        its.origins.forEach((setting, origin) -> yaml.append(line("    " + setting.key(), origin)));
      });
    });
    return yaml.toString();
  }

  private static String line(String key, Origin origin) {
    return "%-50s # %s%n".formatted(key + ": " + scalar(SafeText.withoutPasswords(origin.text())), origin.where());
  }

  /** A text that YAML reads back as it is. */
  private static String scalar(String text) {
    return text.matches("[A-Za-z0-9./][A-Za-z0-9._/-]*") && !text.equalsIgnoreCase("null") ? text
        : "'" + text.replace("'", "''") + "'";
  }
}
