package dev.lethe.trainer.identity;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import dev.lethe.models.features.ForeignFeatures;
import dev.lethe.models.graph.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * dlib's face recognition network (King 2017; a ResNet of 29 layers that was trained on three million faces) as ONNX,
 * from the weights that face-api ships: RGB images of 150 × 150 in, a vector of 128 out that lies near those of the
 * same person.
 */
public final class FaceNetwork {

  /** Mean red, green and blue that it was trained with, of 255. */
  private static final List<Double> MEAN = List.of(122.782 / 255, 117.001 / 255, 104.298 / 255);
  private static final int SIZE = 150;
  private static final int FEATURES = 128;

  private final FaceWeights weights;
  private final GraphProto.Builder graph = GraphProto.newBuilder().setName("identity");
  private int size = SIZE;
  private int channels = 3;

  private FaceNetwork(FaceWeights weights) {
    this.weights = weights;
  }

  /**
   * The network for faces of a generator, which it resizes (bilinear) and normalises itself.
   *
   * @param directory that {@code trainer/scripts/fetch-identity} prints
   * @param resolution height and width of the images
   * @param channels of the images, 1 or 3
   * @return a model of {@code image} [N, C, H, W] in [-1, 1] to {@code features} [N, 128]
   * @throws IOException if the files are not there or damaged; the message names the file
   */
  public static ModelProto read(Path directory, int resolution, int channels) throws IOException {
    return new ForeignFeatures(SIZE, MEAN, List.of(1.0), null, null)
        .of(new FaceNetwork(FaceWeights.read(directory)).model(), resolution, channels);
  }

  private ModelProto model() throws IOException {
    graph.addInput(value("face", "N", 3, SIZE, SIZE));
    String x = relu(convolution("face", "conv32_down", 7, 32, 2));
    x = node("MaxPool", List.of(x), ints("kernel_shape", 3, 3), ints("strides", 2, 2));
    size = (size - 3) / 2 + 1;
    x = residual(x, "conv32_1", "conv32_2", "conv32_3");
    x = residual(down(x, "conv64_down", 64), "conv64_1", "conv64_2", "conv64_3");
    x = residual(down(x, "conv128_down", 128), "conv128_1", "conv128_2");
    x = residual(down(x, "conv256_down", 256), "conv256_1", "conv256_2");
    x = down(x, "conv256_down_out", 256);
    x = node("Flatten", List.of(node("GlobalAveragePool", List.of(x))));
    x = node("MatMul", List.of(x, constant("fc", weights.of("fc", channels, FEATURES))));
    graph.addOutput(value(x, "N", FEATURES));
    return ModelProto.newBuilder().setIrVersion(8).setProducerName("lethe")
        .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(13)).setGraph(graph).build();
  }

  private String residual(String x, String... names) throws IOException {
    String now = x;
    for (String name : names) {
      String y = relu(convolution(now, name + "/conv1", 3, channels, 1));
      now = relu(add(convolution(y, name + "/conv2", 3, channels, 1), now));
    }
    return now;
  }

  /**
   * To half the size; the shortcut is averaged and gets channels of zeros, and whichever is smaller a border of zeros.
   */
  private String down(String x, String name, int to) throws IOException {
    int from = channels;
    int pooledSize = size / 2;
    String pooled = node("AveragePool", List.of(x), ints("kernel_shape", 2, 2), ints("strides", 2, 2));
    String y = relu(convolution(x, name + "/conv1", 3, to, 2));
    y = convolution(y, name + "/conv2", 3, to, 1);
    if (to > from) {
      pooled = padded(pooled, to - from, 0);
    }
    if (size < pooledSize) {
      y = padded(y, 0, pooledSize - size);
      size = pooledSize;
    }
    return relu(add(pooled, y));
  }

  /** With the scale that follows it, which the weights take in. Without a border where it halves the size. */
  private String convolution(String x, String name, int kernel, int to, int stride) throws IOException {
    Tensor filters = weights.of(name + "/conv/filters", kernel, kernel, channels, to);
    Tensor scale = weights.of(name + "/scale/weights", to);
    Tensor shift = weights.of(name + "/scale/biases", to);
    Tensor bias = weights.of(name + "/conv/bias", to);
    Tensor weight = Tensor.zeros(to, channels, kernel, kernel);
    Tensor offset = Tensor.zeros(to);
    int area = kernel * kernel;
    for (int o = 0; o < to; o++) {
      for (int i = 0; i < channels; i++) {
        for (int k = 0; k < area; k++) {
          weight.data()[(o * channels + i) * area + k] =
              filters.data()[(k * channels + i) * to + o] * scale.data()[o];
        }
      }
      offset.data()[o] = bias.data()[o] * scale.data()[o] + shift.data()[o];
    }
    int pad = stride == 1 ? kernel / 2 : 0;
    channels = to;
    size = (size + 2 * pad - kernel) / stride + 1;
    return node("Conv", List.of(x, constant(name + "/weight", weight), constant(name + "/offset", offset)),
        ints("kernel_shape", kernel, kernel), ints("strides", stride, stride), ints("pads", pad, pad, pad, pad));
  }

  private String padded(String x, long more, long border) {
    String pads = "pads_" + graph.getNodeCount();
    graph.addInitializer(TensorProto.newBuilder().setName(pads).addDims(8)
        .setDataType(TensorProto.DataType.INT64.getNumber())
        .addAllInt64Data(List.of(0L, 0L, 0L, 0L, 0L, more, border, border)));
    return node("Pad", List.of(x, pads));
  }

  private String relu(String x) {
    return node("Relu", List.of(x));
  }

  private String add(String a, String b) {
    return node("Add", List.of(a, b));
  }

  private String node(String operator, List<String> inputs, AttributeProto... attributes) {
    String output = operator + "_" + graph.getNodeCount();
    graph.addNode(NodeProto.newBuilder().setOpType(operator).setName(output).addAllInput(inputs).addOutput(output)
        .addAllAttribute(List.of(attributes)));
    return output;
  }

  private String constant(String name, Tensor tensor) {
    TensorProto.Builder proto = TensorProto.newBuilder().setName(name)
        .setDataType(TensorProto.DataType.FLOAT.getNumber());
    for (long d : tensor.shape()) {
      proto.addDims(d);
    }
    for (float v : tensor.data()) {
      proto.addFloatData(v);
    }
    graph.addInitializer(proto);
    return name;
  }

  private static AttributeProto ints(String name, long... values) {
    AttributeProto.Builder attribute =
        AttributeProto.newBuilder().setName(name).setType(AttributeProto.AttributeType.INTS);
    for (long v : values) {
      attribute.addInts(v);
    }
    return attribute.build();
  }

  private static ValueInfoProto value(String name, String batch, long... shapeBehindN) {
    TensorShapeProto.Builder shape =
        TensorShapeProto.newBuilder().addDim(TensorShapeProto.Dimension.newBuilder().setDimParam(batch));
    for (long d : shapeBehindN) {
      shape.addDim(TensorShapeProto.Dimension.newBuilder().setDimValue(d));
    }
    return ValueInfoProto.newBuilder().setName(name).setType(TypeProto.newBuilder().setTensorType(
        TypeProto.Tensor.newBuilder().setElemType(TensorProto.DataType.FLOAT.getNumber()).setShape(shape))).build();
  }
}
