package dev.lethe.models.runtime;

import java.util.List;

/** A text that names no device; the message tells all its mistakes. */
public final class InvalidDeviceException extends IllegalArgumentException {

  private static final long serialVersionUID = 1L;

  private final transient List<String> mistakes;

  InvalidDeviceException(String text, List<String> mistakes) {
    super("Device \"" + text + "\": " + String.join("; ", mistakes) + ".");
    this.mistakes = List.copyOf(mistakes);
  }

  /** What is wrong and what is allowed, one phrase each. */
  public List<String> mistakes() {
    return mistakes;
  }
}
