package dev.lethe.server.registry;

import java.io.IOException;

/**
 * A version serves that was chosen, and what a restart goes by does not say so yet: the same order is to be given
 * again.
 */
public final class ChoiceNotWrittenException extends IOException {

  private static final long serialVersionUID = 1;

  ChoiceNotWrittenException(String message, IOException cause) {
    super(message, cause);
  }
}
