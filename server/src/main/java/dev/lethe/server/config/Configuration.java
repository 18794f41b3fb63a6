package dev.lethe.server.config;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The settings of a server, each from the first that names it: flag, environment, file, the caller's own default, the
 * setting's default. Reading never stops at a mistake; it collects them.
 */
public final class Configuration {

  /** A suggestion is worth making for a key that differs from a known one in at most this many letters. */
  private static final int LARGEST_TYPO = 3;

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

  private final List<Setting<?>> settings;
  private final Map<Setting<?>, Origin> origins = new LinkedHashMap<>();
  private final Map<Setting<?>, Object> values = new HashMap<>();
  private final Set<Setting<?>> unsound = new HashSet<>();
  private final List<Mistake> mistakes = new ArrayList<>();

  private Configuration(List<Setting<?>> settings) {
    this.settings = settings;
  }

  /** @param settings all that there are */
  public static Configuration read(List<Setting<?>> settings, Sources sources) {
    Configuration configuration = new Configuration(settings);
    Map<String, YamlFile.Entry> file = sources.file()
        .map(path -> YamlFile.read(path, configuration.mistakes)).orElseGet(Map::of);
    configuration.refuseUnknown(file);
    for (Setting<?> setting : settings) {
      configuration.resolve(setting, sources, file.get(setting.key()));
    }
    return configuration;
  }

  private void refuseUnknown(Map<String, YamlFile.Entry> file) {
    Set<String> known = new HashSet<>();
    settings.forEach(setting -> known.add(setting.key()));
    file.forEach((key, entry) -> {
      if (!known.contains(key)) {
        mistakes.add(new Mistake(entry.where(), key + " is not a setting" + nearest(key, known)
            .map(near -> "; did you mean " + near + "?").orElse("")));
      }
    });
  }

  private void resolve(Setting<?> setting, Sources sources, YamlFile.Entry inFile) {
    String flag = sources.flags().get(setting.flag());
    String variable = sources.environment().get(setting.variable());
    Origin origin;
    if (flag != null) {
      origin = new Origin(flag, setting.flag());
    } else if (variable != null && !variable.isEmpty()) {
      origin = new Origin(variable, setting.variable());
    } else if (inFile != null && !inFile.text().isEmpty()) {
      origin = new Origin(inFile.text(), inFile.where());
    } else {
      origin = new Origin(sources.defaults().getOrDefault(setting.key(), setting.fallback()), "default");
    }
    if (origin.text() == null) {
      return;
    }
    origins.put(setting, origin);
    try {
      values.put(setting, setting.type().parse(origin.text()));
    } catch (IllegalArgumentException e) {
      unsound.add(setting);
      String named = origin.where().equals(setting.flag()) || origin.where().equals(setting.variable()) ? ""
          : setting.key() + " ";
      mistakes.add(new Mistake(origin.where(), named + "is \"" + origin.text() + "\"; it " + e.getMessage()));
    }
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
    return Optional.ofNullable((T) values.get(setting));
  }

  /** False if a value was given that cannot be used: then a check that rests on it has nothing to say. */
  public boolean isSound(Setting<?> setting) {
    return !unsound.contains(setting);
  }

  /** Where a setting's value comes from, as a mistake about it would say; its key if nobody gave one. */
  public String where(Setting<?> setting) {
    Origin origin = origins.get(setting);
    return origin == null || origin.where().equals("default") ? setting.key() : origin.where();
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
      String line = (its.isEmpty() ? "" : "  ") + key.substring(its.length()) + ": " + scalar(entry.getValue().text());
      yaml.append("%-50s # %s%n".formatted(line, entry.getValue().where()));
    }
    return yaml.toString();
  }

  /** A text that YAML reads back as it is. */
  private static String scalar(String text) {
    return text.matches("[A-Za-z0-9./][A-Za-z0-9._/-]*") && !text.equalsIgnoreCase("null") ? text
        : "'" + text.replace("'", "''") + "'";
  }

  private static Optional<String> nearest(String key, Collection<String> known) {
    return known.stream()
        .filter(candidate -> distance(key, candidate) <= LARGEST_TYPO)
        .min(Comparator.<String>comparingInt(candidate -> distance(key, candidate)).thenComparing(candidate -> candidate));
  }

  /** Levenshtein's: letters to put in, take out or change. */
  private static int distance(String from, String to) {
    int[] row = new int[to.length() + 1];
    for (int j = 0; j <= to.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= from.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= to.length(); j++) {
        int changed = diagonal + (from.charAt(i - 1) == to.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(changed, 1 + Math.min(row[j], row[j - 1]));
      }
    }
    return row[to.length()];
  }
}
