package dev.lethe.trainer.session;

/**
 * Names and numbers of the checkpoint's FlatBuffer. A slot is the place of a field in its table: the order in which
 * ONNX Runtime's {@code ort_training_checkpoint.fbs} and {@code ort.fbs} declare them.
 */
final class CheckpointSchema {

  static final String IDENTIFIER = "ODTC";
  static final int VERSION = 2;
  /** ONNX TensorProto.DataType.FLOAT. */
  static final int FLOAT = 1;
  /** The only group there is. */
  static final String GROUP = "group0";
  static final String FIRST = "momentum0";
  static final String SECOND = "momentum1";

  static final int CHECKPOINT_VERSION = 0;
  static final int CHECKPOINT_MODULE = 1;
  static final int CHECKPOINT_OPTIMIZERS = 2;
  static final int CHECKPOINT_PROPERTIES = 3;
  static final int CHECKPOINT_FIELDS = 4;
  static final int MODULE_TRAINABLE = 0;
  static final int MODULE_FROZEN = 1;
  static final int MODULE_EXTERNAL_DATA = 3;
  static final int MODULE_FIELDS = 4;
  static final int TENSOR_NAME = 0;
  static final int TENSOR_DIMS = 2;
  static final int TENSOR_TYPE = 3;
  static final int TENSOR_DATA = 4;
  static final int TENSOR_FIELDS = 6;
  static final int GROUP_NAME = 0;
  static final int GROUP_STEP = 1;
  static final int GROUP_STATES = 3;
  static final int GROUP_FIELDS = 4;
  static final int STATE_PARAMETER = 0;
  static final int STATE_MOMENTS = 1;
  static final int STATE_FIELDS = 2;
  static final int PROPERTIES_FLOATS = 1;
  static final int PROPERTIES_FIELDS = 3;
  static final int PROPERTY_NAME = 0;
  static final int PROPERTY_VALUE = 1;
  static final int PROPERTY_FIELDS = 2;

  private CheckpointSchema() {}
}
