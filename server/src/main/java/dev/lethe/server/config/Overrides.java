package dev.lethe.server.config;

import java.util.List;
import java.util.stream.Collectors;

/**
 * Settings that the file may set otherwise for some of what they hold for, each by its name:
 *
 * <pre>
 * KEY:
 *   NAME:
 *     SETTING: VALUE
 * </pre>
 *
 * <p>They have neither flags nor variables: a variable cannot bear every name, and many flags are worse than a file.
 *
 * @param key of the section
 * @param what has such a name, in one word
 * @param name checks a name
 * @param settings what can be set so; each is a setting of all, too
 */
public record Overrides(String key, String what, ValueType<String> name, List<Setting<?>> settings) {

  /** Whether a key of the file lies in this section, or where it should be. */
  boolean has(String keyInFile) {
    return keyInFile.equals(key) || keyInFile.startsWith(key + ".");
  }

  String keys() {
    return settings.stream().map(Setting::key).collect(Collectors.joining(", "));
  }
}
