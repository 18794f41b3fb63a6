package dev.lethe.server.rest;

/**
 * Where a client's JSON comes from, for what it is told of faults.
 *
 * @param name such as "the body"
 * @param prefix in front of a field's path: where the field is, if the name is no part of it
 */
record JsonSource(String name, String prefix) {

  static final JsonSource BODY = new JsonSource("the body", "");
  static final JsonSource PARAMETERS = new JsonSource("path and query", "");
  static final JsonSource SPEC = new JsonSource("spec", "spec.");

  /** @param number from 1 */
  static JsonSource line(long number) {
    return new JsonSource("line " + number, "line " + number + ": ");
  }
}
