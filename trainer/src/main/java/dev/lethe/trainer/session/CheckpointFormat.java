package dev.lethe.trainer.session;

/** What ONNX Runtime puts into the fields of a checkpoint, beside what the schema says of their types. */
final class CheckpointFormat {

  static final int VERSION = 2;
  /** ONNX TensorProto.DataType.FLOAT. */
  static final int FLOAT = 1;
  /** The only group of parameters that the optimizer has. */
  static final String GROUP = "group0";
  static final String FIRST = "momentum0";
  static final String SECOND = "momentum1";

  private CheckpointFormat() {}
}
