package dev.lethe.models.features;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.WireFormat;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What a {@code features.onnx} tells apart.
 *
 * @param any whether it has an output for classes
 * @param count how many, from 1; 0 if there are none, or the file does not say
 */
public record RecognisedClasses(boolean any, int count) {

  /** Of a model without a network of its own. */
  public static final RecognisedClasses NONE = new RecognisedClasses(false, 0);

  private static final String LOGITS = "logits";

  public static RecognisedClasses of(ModelProto model) {
    return of(model.getGraph().getOutputList());
  }

  /**
   * Reads the outputs alone: the weights, which are most of a file, are passed over. What is no ONNX model tells
   * nothing apart.
   *
   * @throws IOException if the file cannot be read
   */
  public static RecognisedClasses of(Path file) throws IOException {
    try (InputStream stream = Files.newInputStream(file)) {
      CodedInputStream in = CodedInputStream.newInstance(stream);
      List<ValueInfoProto> outputs = new ArrayList<>();
      for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
        if (WireFormat.getTagFieldNumber(tag) == ModelProto.GRAPH_FIELD_NUMBER) {
          outputs.addAll(outputs(in));
        } else {
          in.skipField(tag);
        }
      }
      return of(outputs);
    } catch (InvalidProtocolBufferException e) {
      return NONE;
    }
  }

  private static List<ValueInfoProto> outputs(CodedInputStream in) throws IOException {
    List<ValueInfoProto> outputs = new ArrayList<>();
    int end = in.pushLimit(in.readRawVarint32());
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      if (WireFormat.getTagFieldNumber(tag) == GraphProto.OUTPUT_FIELD_NUMBER) {
        outputs.add(ValueInfoProto.parseFrom(in.readByteArray()));
      } else {
        in.skipField(tag);
      }
    }
    in.popLimit(end);
    return outputs;
  }

  private static RecognisedClasses of(List<ValueInfoProto> outputs) {
    return outputs.stream().filter(output -> output.getName().equals(LOGITS)).findFirst()
        .map(output -> output.getType().getTensorType().getShape())
        .map(shape -> new RecognisedClasses(true,
            shape.getDimCount() == 2 ? (int) Math.max(0, shape.getDim(1).getDimValue()) : 0))
        .orElse(NONE);
  }
}
