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

/** How a server is asked for the image of a seed, of class {@code seed mod classes} where there are classes. */
enum Protocol {

  /** {@code lethe.v1.GenerationService}. */
  LETHE {
    @Override
    Caller caller(Channel channel, ModelCard card, Format format) {
      GenerationServiceFutureStub stub = GenerationServiceGrpc.newFutureStub(channel);
      ImageFormat imageFormat = format == Format.PNG ? ImageFormat.IMAGE_FORMAT_PNG : ImageFormat.IMAGE_FORMAT_RAW;
      return seed -> {
        GenerateRequest.Builder request = GenerateRequest.newBuilder().setModel(card.name()).setFormat(imageFormat)
            .setSeeds(Seeds.newBuilder().addValues(seed));
        if (card.conditional()) {
          request.setLabel(Integer.toString(seed % card.labels().size()));
        }
        return Answers.bytes(stub.generate(request.build()), answer -> answer.getImages(0).getImage().getData().size());
      };
    }
  },

  /** The Open Inference Protocol: inputs {@code seed} and {@code label}, output {@code image} or {@code png}. */
  OPEN_INFERENCE {
    @Override
    Caller caller(Channel channel, ModelCard card, Format format) {
      GRPCInferenceServiceFutureStub stub = GRPCInferenceServiceGrpc.newFutureStub(channel);
      int classes = Math.max(1, card.labels().size());
      InferRequestedOutputTensor output = InferRequestedOutputTensor.newBuilder()
          .setName(format == Format.PNG ? "png" : "image").build();
      return seed -> {
        ModelInferRequest request = ModelInferRequest.newBuilder().setModelName(card.name())
            .addInputs(scalar("seed")).addRawInputContents(int64(seed))
            .addInputs(scalar("label")).addRawInputContents(int64(seed % classes))
            .addOutputs(output)
            .build();
        return Answers.bytes(stub.modelInfer(request), answer -> answer.getRawOutputContents(0).size());
      };
    }
  };

  abstract Caller caller(Channel channel, ModelCard card, Format format);

  private static InferInputTensor scalar(String name) {
    return InferInputTensor.newBuilder().setName(name).setDatatype("INT64").addShape(1).addShape(1).build();
  }

  private static ByteString int64(long value) {
    return ByteString.copyFrom(ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(0, value));
  }
}
