package dev.lethe.server.config;

import java.util.List;
import java.util.stream.Collectors;

/** A configuration with mistakes; the message tells all of them, a line each. */
public final class ConfigurationException extends Exception {

  private static final long serialVersionUID = 1;

  private final transient List<Mistake> mistakes;

  public ConfigurationException(List<Mistake> mistakes) {
    super("the configuration has " + (mistakes.size() == 1 ? "a mistake" : mistakes.size() + " mistakes") + ":\n"
        + mistakes.stream().map(mistake -> "  " + mistake).collect(Collectors.joining("\n")));
    this.mistakes = List.copyOf(mistakes);
  }

  public List<Mistake> mistakes() {
    return mistakes;
  }
}
