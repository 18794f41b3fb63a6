package dev.lethe.server.openinference;

import dev.lethe.inference.DataType;

/** Types of tensors that models here have, by their names in the protocol. */
enum Datatype {
  FP32(DataType.TYPE_FP32),
  INT64(DataType.TYPE_INT64),
  BYTES(DataType.TYPE_STRING);

  private final DataType configured;

  Datatype(DataType configured) {
    this.configured = configured;
  }

  /** What a model's configuration calls it. */
  DataType configured() {
    return configured;
  }
}
