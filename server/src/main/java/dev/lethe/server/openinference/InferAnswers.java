package dev.lethe.server.openinference;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import dev.lethe.inference.InferTensorContents;
import dev.lethe.inference.ModelInferResponse;
import dev.lethe.inference.ModelInferResponse.InferOutputTensor;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.image.ImageEncoder;
import dev.lethe.models.image.Pixels;
import dev.lethe.server.openinference.Signature.Output;
import dev.lethe.server.openinference.Signature.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;

/** Turns the images of a request into its answer. */
record InferAnswers(ModelCard card, InferPlan plan) {

  /**
   * What was asked for of one image, in the order of the plan's outputs.
   *
   * @param pixels [C, H, W], about [-1, 1]
   * @return of IMAGE little-endian floats, of PNG a file
   */
  List<ByteString> encode(FloatBuffer pixels) {
    List<ByteString> encoded = new ArrayList<>(plan.outputs().size());
    for (Output output : plan.outputs()) {
      encoded.add(switch (output) {
        case IMAGE -> floats(pixels);
        case PNG -> png(pixels);
      });
    }
    return encoded;
  }

  private static ByteString floats(FloatBuffer pixels) {
    ByteBuffer bytes = ByteBuffer.allocate(pixels.remaining() * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(pixels.duplicate());
    return UnsafeByteOperations.unsafeWrap(bytes.array());
  }

  private ByteString png(FloatBuffer pixels) {
    int size = card.network().resolution();
    return UnsafeByteOperations.unsafeWrap(
        ImageEncoder.png(Pixels.toBytes(pixels), card.network().channels(), size, size));
  }

  /** @param images by index, each what {@link #encode} made of it */
  ModelInferResponse answer(String id, List<List<ByteString>> images) {
    ModelInferResponse.Builder answer = ModelInferResponse.newBuilder()
        .setModelName(card.name())
        .setModelVersion(card.version())
        .setId(id);
    for (int i = 0; i < plan.outputs().size(); i++) {
      int at = i;
      List<ByteString> values = images.stream().map(image -> image.get(at)).toList();
      Tensor tensor = Signature.output(plan.outputs().get(i), card.network());
      InferOutputTensor.Builder output = InferOutputTensor.newBuilder()
          .setName(tensor.name())
          .setDatatype(tensor.datatype().name())
          .addAllShape(tensor.shape(images.size()));
      if (plan.raw()) {
        answer.addRawOutputContents(raw(plan.outputs().get(i), values));
      } else {
        output.setContents(typed(plan.outputs().get(i), values));
      }
      answer.addOutputs(output);
    }
    return answer.build();
  }

  /** Joined without a copy of what is long. */
  private static ByteString raw(Output output, List<ByteString> values) {
    return switch (output) {
      case IMAGE -> ByteString.copyFrom(values);
      case PNG -> ByteString.copyFrom(values.stream().map(file -> length(file).concat(file)).toList());
    };
  }

  private static ByteString length(ByteString file) {
    return UnsafeByteOperations.unsafeWrap(
        ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN).putInt(file.size()).array());
  }

  private static InferTensorContents typed(Output output, List<ByteString> values) {
    InferTensorContents.Builder contents = InferTensorContents.newBuilder();
    switch (output) {
      case IMAGE -> {
        for (ByteString image : values) {
          FloatBuffer floats = image.asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
          while (floats.hasRemaining()) {
            contents.addFp32Contents(floats.get());
          }
        }
      }
      case PNG -> contents.addAllBytesContents(values);
    }
    return contents.build();
  }
}
