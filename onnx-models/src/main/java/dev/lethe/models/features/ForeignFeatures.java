package dev.lethe.models.features;

import com.google.protobuf.ByteString;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.DoubleStream;
import org.jspecify.annotations.Nullable;
import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;

/**
 * Any classifier or embedder of images as a {@code features.onnx}: what it is fed with is resized (what is
 * more than twice as large by means of areas first, so that nothing of it is passed over; then bilinear), given its
 * channels and normalised in the graph itself, and what it says becomes {@code features}. It measures; the perceptual
 * loss needs a network that can be differentiated, which this is not.
 *
 * @param size height and width that it takes; 0: as the file says
 * @param mean of each channel, on the scale of [0, 1], which is taken off; one for all, or one for each
 * @param deviation of each channel, by which is divided
 * @param output name of the output that is the features; null: its first
 * @param logits name of the output that tells classes; null: none
 */
public record ForeignFeatures(int size, List<Double> mean, List<Double> deviation, @Nullable String output,
    @Nullable String logits) {

  private static final String PREFIX = "lethe_";
  private static final Set<String> OURS = Set.of("image", "features", "logits");
  /** The first whose Resize says how coordinates are counted. */
  private static final int LEAST_OPSET = 11;
  private static final double[] LUMA = {0.299, 0.587, 0.114};

  public ForeignFeatures {
    mean = List.copyOf(mean);
    deviation = List.copyOf(deviation);
    if (size < 0 || mean.stream().anyMatch(m -> !Double.isFinite(m))
        || deviation.stream().anyMatch(d -> !(d > 0) || !Double.isFinite(d))) {
      throw new IllegalArgumentException("a size must be above 0, means finite and deviations above 0: " + size + ", "
          + mean + ", " + deviation);
    }
  }

  /**
   * Whether a model is a {@code features.onnx}, as {@code lethe train features} makes it.
   *
   * @param model of images of any size
   */
  public static boolean isOwn(ModelProto model) {
    Set<String> inputs = free(model.getGraph()).stream().map(ValueInfoProto::getName).collect(Collectors.toSet());
    return inputs.equals(Set.of("image"))
        && model.getGraph().getOutputList().stream().anyMatch(value -> value.getName().equals("features"));
  }

  /**
   * The same of images of one size.
   *
   * @param resolution height and width
   * @param channels 1 or 3
   */
  public static boolean isOwn(ModelProto model, int resolution, int channels) {
    return isOwn(model) && free(model.getGraph()).stream().map(input -> input.getType().getTensorType().getShape())
        .allMatch(shape -> shape.getDimCount() == 4 && shape.getDim(1).getDimValue() == channels
            && shape.getDim(2).getDimValue() == resolution);
  }

  /**
   * The network for images of a model.
   *
   * @param resolution of the model's images
   * @param channels of the model's images, 1 or 3
   * @throws IllegalArgumentException if the file is no such network, saying what is wanted
   */
  public ModelProto of(ModelProto foreign, int resolution, int channels) {
    int opset = foreign.getOpsetImportList().stream().filter(set -> set.getDomain().isEmpty())
        .mapToInt(set -> (int) set.getVersion()).findFirst().orElse(0);
    if (opset < LEAST_OPSET) {
      throw new IllegalArgumentException("it is of ONNX operator set " + opset + "; export it with " + LEAST_OPSET
          + " or newer");
    }
    GraphProto graph = renamed(foreign.getGraph());
    List<ValueInfoProto> inputs = free(graph);
    if (inputs.size() != 1) {
      throw new IllegalArgumentException("it takes " + inputs.size() + " inputs; a network of images takes one");
    }
    ValueInfoProto input = inputs.get(0);
    TypeProto.Tensor type = input.getType().getTensorType();
    TensorShapeProto shape = type.getShape();
    if (type.getElemType() != TensorProto.DataType.FLOAT.getNumber() || shape.getDimCount() != 4) {
      throw new IllegalArgumentException("its input " + own(input.getName()) + " is no float32 [N, C, H, W]");
    }
    if (shape.getDim(0).getDimValue() > 0) {
      throw new IllegalArgumentException("its batch is fixed at " + shape.getDim(0).getDimValue()
          + "; export it with a free one (dynamic_axes)");
    }
    boolean channelsLast = !isChannels(shape.getDim(1).getDimValue()) && isChannels(shape.getDim(3).getDimValue());
    int wanted = (int) shape.getDim(channelsLast ? 3 : 1).getDimValue();
    if (wanted != 1 && wanted != 3) {
      throw new IllegalArgumentException("its input " + own(input.getName()) + " has " + wanted
          + " channels; images have 1 or 3");
    }
    int stated = (int) shape.getDim(2).getDimValue();
    int side = size > 0 ? size : stated;
    if (side <= 0) {
      throw new IllegalArgumentException("it does not say the size of its images; say it (--features-size)");
    }
    if (stated > 0 && stated != side) {
      throw new IllegalArgumentException("its images are of " + stated + " x " + stated + ", not of " + side);
    }
    GraphProto.Builder built = GraphProto.newBuilder().setName("features").addAllInitializer(graph.getInitializerList())
        .addAllSparseInitializer(graph.getSparseInitializerList());
    built.addInput(value("image", channels, resolution, resolution));
    String x = "image";
    if (side != resolution) {
      int area = resolution / side;
      if (area > 1) {
        x = means(built, x, area);
      }
      x = resize(built, x, side / (float) (resolution / Math.max(1, area)));
    }
    if (channels != wanted) {
      x = wanted == 3 ? repeat(built, x) : luma(built, x);
    }
    x = normalise(built, x, wanted);
    built.addNode(channelsLast
        ? node("Transpose", List.of(x), input.getName()).addAttribute(AttributeProto.newBuilder().setName("perm")
            .setType(AttributeProto.AttributeType.INTS).addAllInts(List.of(0L, 2L, 3L, 1L)))
        : node("Identity", List.of(x), input.getName()));
    built.addAllNode(graph.getNodeList());
    built.addNode(node("Flatten", List.of(output(graph, output)), "features"));
    built.addOutput(value("features"));
    if (logits != null) {
      built.addNode(node("Flatten", List.of(output(graph, logits)), "logits"));
      ValueInfoProto.Builder value = value("logits").toBuilder();
      classes(graph, output(graph, logits), value);
      built.addOutput(value);
    }
    return foreign.toBuilder().setProducerName("lethe").clearMetadataProps().setGraph(built).build();
  }

  private static boolean isChannels(long n) {
    return n == 1 || n == 3;
  }

  private static String means(GraphProto.Builder graph, String x, long area) {
    graph.addNode(node("AveragePool", List.of(x), PREFIX + "means").addAttribute(sides("kernel_shape", area))
        .addAttribute(sides("strides", area)));
    return PREFIX + "means";
  }

  private static AttributeProto sides(String name, long side) {
    return AttributeProto.newBuilder().setName(name).setType(AttributeProto.AttributeType.INTS)
        .addAllInts(List.of(side, side)).build();
  }

  private static String resize(GraphProto.Builder graph, String x, float scale) {
    graph.addInitializer(floats("roi", List.of(0L), DoubleStream.empty()));
    graph.addInitializer(floats("scales", List.of(4L), DoubleStream.of(1, 1, scale, scale)));
    graph.addNode(node("Resize", List.of(x, PREFIX + "roi", PREFIX + "scales"), PREFIX + "resized")
        .addAttribute(text("mode", "linear")).addAttribute(text("coordinate_transformation_mode", "half_pixel")));
    return PREFIX + "resized";
  }

  private static String repeat(GraphProto.Builder graph, String x) {
    graph.addNode(node("Concat", List.of(x, x, x), PREFIX + "rgb")
        .addAttribute(AttributeProto.newBuilder().setName("axis")
        .setType(AttributeProto.AttributeType.INT).setI(1)));
    return PREFIX + "rgb";
  }

  private static String luma(GraphProto.Builder graph, String x) {
    graph.addInitializer(floats("luma", List.of(1L, 3L, 1L, 1L), DoubleStream.of(LUMA)));
    graph.addNode(node("Conv", List.of(x, PREFIX + "luma"), PREFIX + "grey"));
    return PREFIX + "grey";
  }

  /** From [-1, 1] to what the network was trained with. */
  private String normalise(GraphProto.Builder graph, String x, int channels) {
    double[] factors = new double[channels];
    double[] offsets = new double[channels];
    for (int c = 0; c < channels; c++) {
      double m = of(mean, c, channels);
      double d = of(deviation, c, channels);
      factors[c] = 0.5 / d;
      offsets[c] = (0.5 - m) / d;
    }
    graph.addInitializer(floats("factor", List.of(1L, (long) channels, 1L, 1L), DoubleStream.of(factors)));
    graph.addInitializer(floats("offset", List.of(1L, (long) channels, 1L, 1L), DoubleStream.of(offsets)));
    graph.addNode(node("Mul", List.of(x, PREFIX + "factor"), PREFIX + "scaled"));
    graph.addNode(node("Add", List.of(PREFIX + "scaled", PREFIX + "offset"), PREFIX + "normalised"));
    return PREFIX + "normalised";
  }

  private static double of(List<Double> values, int channel, int channels) {
    if (values.size() != 1 && values.size() != channels) {
      throw new IllegalArgumentException("means and deviations are one for all channels or one for each of its "
          + channels + "; these are " + values);
    }
    return values.get(values.size() == 1 ? 0 : channel);
  }

  private static String output(GraphProto graph, @Nullable String name) {
    List<String> names = graph.getOutputList().stream().map(ValueInfoProto::getName).toList();
    if (name == null && !names.isEmpty()) {
      return names.get(0);
    }
    return names.stream().filter(n -> own(n).equals(name)).findFirst().orElseThrow(() -> new IllegalArgumentException(
        "it has no output \"" + name + "\", but " + names.stream().map(ForeignFeatures::own).toList()));
  }

  private static void classes(GraphProto graph, String output, ValueInfoProto.Builder value) {
    graph.getOutputList().stream().filter(o -> o.getName().equals(output))
        .map(o -> o.getType().getTensorType().getShape()).filter(shape -> shape.getDimCount() == 2)
        .forEach(shape -> value.getTypeBuilder().getTensorTypeBuilder().getShapeBuilder().addDim(shape.getDim(0))
            .addDim(shape.getDim(1)));
  }

  /** Inputs that are no weights. */
  private static List<ValueInfoProto> free(GraphProto graph) {
    Set<String> weights = new HashSet<>();
    graph.getInitializerList().forEach(w -> weights.add(w.getName()));
    return graph.getInputList().stream().filter(input -> !weights.contains(input.getName())).toList();
  }

  /** The same graph without the names that a {@code features.onnx} gives to other values. */
  private static GraphProto renamed(GraphProto graph) {
    GraphProto.Builder built = graph.toBuilder();
    for (int i = 0; i < built.getNodeCount(); i++) {
      NodeProto.Builder node = built.getNodeBuilder(i);
      List<String> inputs = node.getInputList().stream().map(ForeignFeatures::other).toList();
      List<String> outputs = node.getOutputList().stream().map(ForeignFeatures::other).toList();
      node.clearInput().addAllInput(inputs).clearOutput().addAllOutput(outputs);
      for (AttributeProto.Builder attribute : node.getAttributeBuilderList()) {
        if (attribute.hasG()) {
          attribute.setG(renamed(attribute.getG()));
        }
        List<GraphProto> graphs = new ArrayList<>(attribute.getGraphsList());
        attribute.clearGraphs();
        graphs.forEach(inner -> attribute.addGraphs(renamed(inner)));
      }
    }
    built.getInputBuilderList().forEach(value -> value.setName(other(value.getName())));
    built.getOutputBuilderList().forEach(value -> value.setName(other(value.getName())));
    built.getInitializerBuilderList().forEach(weight -> weight.setName(other(weight.getName())));
    return built.clearValueInfo().build();
  }

  private static String other(String name) {
    return OURS.contains(name) ? PREFIX + "of_" + name : name;
  }

  /** A value's name in the file. */
  private static String own(String name) {
    return name.startsWith(PREFIX + "of_") ? name.substring((PREFIX + "of_").length()) : name;
  }

  private static NodeProto.Builder node(String operator, List<String> inputs, String output) {
    return NodeProto.newBuilder().setOpType(operator).setName(PREFIX + operator.toLowerCase(Locale.ROOT) + "_" + output)
        .addAllInput(inputs).addOutput(output);
  }

  private static AttributeProto text(String name, String value) {
    return AttributeProto.newBuilder().setName(name).setType(AttributeProto.AttributeType.STRING)
        .setS(ByteString.copyFromUtf8(value)).build();
  }

  private static TensorProto floats(String name, List<Long> shape, DoubleStream values) {
    TensorProto.Builder tensor = TensorProto.newBuilder().setName(PREFIX + name).addAllDims(shape)
        .setDataType(TensorProto.DataType.FLOAT.getNumber());
    values.forEach(v -> tensor.addFloatData((float) v));
    return tensor.build();
  }

  private static ValueInfoProto value(String name, long... shapeBehindN) {
    TypeProto.Tensor.Builder type = TypeProto.Tensor.newBuilder()
        .setElemType(TensorProto.DataType.FLOAT.getNumber());
    if (shapeBehindN.length > 0) {
      TensorShapeProto.Builder shape = type.getShapeBuilder();
      shape.addDim(TensorShapeProto.Dimension.newBuilder().setDimParam("N"));
      for (long d : shapeBehindN) {
        shape.addDim(TensorShapeProto.Dimension.newBuilder().setDimValue(d));
      }
    }
    return ValueInfoProto.newBuilder().setName(name).setType(TypeProto.newBuilder().setTensorType(type)).build();
  }
}
