package dev.lethe.bench.targets;

import com.google.protobuf.ByteString;
import dev.lethe.bench.load.Caller;
import dev.lethe.bench.load.Format;
import dev.lethe.inference.GRPCInferenceServiceGrpc;
import dev.lethe.inference.GRPCInferenceServiceGrpc.GRPCInferenceServiceFutureStub;
import dev.lethe.inference.ModelInferRequest;
import dev.lethe.inference.ModelInferRequest.InferInputTensor;
import dev.lethe.inference.ModelInferRequest.InferRequestedOutputTensor;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.v1.GenerateRequest;
import dev.lethe.v1.GenerationServiceGrpc;
import dev.lethe.v1.GenerationServiceGrpc.GenerationServiceFutureStub;
import dev.lethe.v1.ImageFormat;
import dev.lethe.v1.Seeds;
import io.grpc.Channel;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.IntToLongFunction;

/**
 * How a server is asked for the images of consecutive seeds, of class {@code call mod classes} where there are classes.
 */
enum Protocol {

  /** {@code lethe.v1.GenerationService}. */
  LETHE {
    @Override
    Caller caller(Channel channel, ModelCard card, int classes, Format format, int images) {
      GenerationServiceFutureStub stub = GenerationServiceGrpc.newFutureStub(channel);
      ImageFormat imageFormat = format == Format.PNG ? ImageFormat.IMAGE_FORMAT_PNG : ImageFormat.IMAGE_FORMAT_RAW;
      return call -> {
        Seeds.Builder seeds = Seeds.newBuilder();
        for (int i = 0; i < images; i++) {
          seeds.addValues(call * images + i);
        }
        GenerateRequest.Builder request = GenerateRequest.newBuilder().setModel(card.name()).setFormat(imageFormat)
            .setSeeds(seeds);
        if (classes > 0) {
          request.setLabel(Integer.toString(call % classes));
        }
        return Answers.bytes(stub.generate(request.build()),
            answer -> answer.getImages(images - 1).getImage().getData().size());
      };
    }
  },

  /** The Open Inference Protocol: inputs {@code seed} and {@code label}, output {@code image} or {@code png}. */
  OPEN_INFERENCE {
    @Override
    Caller caller(Channel channel, ModelCard card, int classes, Format format, int images) {
      GRPCInferenceServiceFutureStub stub = GRPCInferenceServiceGrpc.newFutureStub(channel);
      int labels = Math.max(1, classes);
      InferRequestedOutputTensor output = InferRequestedOutputTensor.newBuilder()
          .setName(format == Format.PNG ? "png" : "image").build();
      return call -> {
        ModelInferRequest request = ModelInferRequest.newBuilder().setModelName(card.name())
            .addInputs(rows("seed", images)).addRawInputContents(int64(images, i -> (long) call * images + i))
            .addInputs(rows("label", images)).addRawInputContents(int64(images, i -> call % labels))
            .addOutputs(output)
            .build();
        return Answers.bytes(stub.modelInfer(request), answer -> answer.getRawOutputContents(0).size());
      };
    }
  };

  /**
   * @param classes that are asked for, the first of the model's; 0 where there are none
   * @param images of a call, from 1
   */
  abstract Caller caller(Channel channel, ModelCard card, int classes, Format format, int images);

  private static InferInputTensor rows(String name, int rows) {
    return InferInputTensor.newBuilder().setName(name).setDatatype("INT64").addShape(rows).addShape(1).build();
  }

  private static ByteString int64(int rows, IntToLongFunction values) {
    ByteBuffer bytes = ByteBuffer.allocate(rows * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < rows; i++) {
      bytes.putLong(values.applyAsLong(i));
    }
    return ByteString.copyFrom(bytes.flip());
  }
}
