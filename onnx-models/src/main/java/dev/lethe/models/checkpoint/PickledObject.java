package dev.lethe.models.checkpoint;

import java.util.List;

/**
 * An object of a pickle: what it says of itself, and no more. Identity is all that two have in common: contents may
 * lead back to where they come from.
 */
final class PickledObject {

  private final String className;
  private final List<?> arguments;
  private Object state;

  PickledObject(String className, List<?> arguments) {
    this.className = className;
    this.arguments = arguments;
  }

  /** Module and name, as {@code argparse.Namespace}. */
  String className() {
    return className;
  }

  List<?> arguments() {
    return arguments;
  }

  /** What a pickle sets up an object with after it is made; null if nothing. */
  Object state() {
    return state;
  }

  void state(Object set) {
    state = set;
  }
}
