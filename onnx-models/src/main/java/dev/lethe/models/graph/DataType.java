package dev.lethe.models.graph;

import ai.onnx.proto.OnnxMl.TensorProto;

/** Element types that our graphs use. */
public enum DataType {
  FLOAT(TensorProto.DataType.FLOAT),
  INT64(TensorProto.DataType.INT64),
  BOOL(TensorProto.DataType.BOOL);

  final TensorProto.DataType onnx;

  DataType(TensorProto.DataType onnx) {
    this.onnx = onnx;
  }
}
