package dev.lethe.models.checkpoint;

/**
 * A class or function that a pickle names. It is a name: there is nothing behind it.
 *
 * @param name module and name, in today's spelling
 */
record Global(String name) {

  static Global of(String module, String name) {
    String today = switch (module) {
      case "__builtin__" -> "builtins";
      case "copy_reg" -> "copyreg";
      default -> module.startsWith("numpy._core") ? "numpy.core" + module.substring("numpy._core".length()) : module;
    };
    return new Global(today + "." + name);
  }
}
