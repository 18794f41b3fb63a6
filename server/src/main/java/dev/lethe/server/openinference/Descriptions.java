package dev.lethe.server.openinference;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.lethe.inference.ModelConfig;
import dev.lethe.inference.ModelDynamicBatching;
import dev.lethe.inference.ModelInput;
import dev.lethe.inference.ModelInstanceGroup;
import dev.lethe.inference.ModelInstanceGroup.Kind;
import dev.lethe.inference.ModelMetadataResponse;
import dev.lethe.inference.ModelMetadataResponse.TensorMetadata;
import dev.lethe.inference.ModelOutput;
import dev.lethe.inference.ModelParameter;
import dev.lethe.inference.ModelTransactionPolicy;
import dev.lethe.inference.ModelVersionPolicy;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.server.inference.BatchingOptions;
import dev.lethe.server.openinference.Signature.Tensor;
import dev.lethe.server.security.Latents;
import java.time.temporal.ChronoUnit;
import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/** Says what a version is, in the protocol's terms and in Triton's. */
final class Descriptions {

  private static final String PLATFORM = "onnxruntime_onnx";
  private static final String BACKEND = "onnxruntime";

  private Descriptions() {}

  static ModelMetadataResponse metadata(ModelCard card, Collection<String> versions, Latents open) {
    Signature signature = Signature.of(card, open);
    return ModelMetadataResponse.newBuilder()
        .setName(card.name())
        .addAllVersions(versions)
        .setPlatform(PLATFORM)
        .addAllInputs(signature.inputs().stream().map(Descriptions::metadata).toList())
        .addAllOutputs(signature.outputs().stream().map(Descriptions::metadata).toList())
        .build();
  }

  private static TensorMetadata metadata(Tensor tensor) {
    return TensorMetadata.newBuilder()
        .setName(tensor.name())
        .setDatatype(tensor.datatype().name())
        .addAllShape(tensor.shape(Tensor.ANY))
        .build();
  }

  static ModelConfig config(ModelCard card, int mostImages, BatchingOptions batching, ExecutionDevice device,
      Latents open) {
    Signature signature = Signature.of(card, open);
    ModelConfig.Builder config = ModelConfig.newBuilder()
        .setName(card.name())
        .setPlatform(PLATFORM)
        .setBackend(BACKEND)
        .setVersionPolicy(ModelVersionPolicy.newBuilder().setAll(ModelVersionPolicy.All.getDefaultInstance()))
        .setMaxBatchSize(mostImages)
        .addInstanceGroup(instances(batching.concurrency(), device))
        .setDynamicBatching(ModelDynamicBatching.newBuilder()
            .addPreferredBatchSize(batching.batchSize(card, device))
            .setMaxQueueDelayMicroseconds(batching.maxDelay().dividedBy(ChronoUnit.MICROS.getDuration())))
        .setModelTransactionPolicy(ModelTransactionPolicy.newBuilder().setDecoupled(false))
        .putAllParameters(parameters(card));
    signature.inputs().forEach(tensor -> config.addInput(ModelInput.newBuilder()
        .setName(tensor.name())
        .setDataType(tensor.datatype().configured())
        .addAllDims(tensor.dims())
        // Triton knows no "one of these".
        .setOptional(true)));
    signature.outputs().forEach(tensor -> config.addOutput(ModelOutput.newBuilder()
        .setName(tensor.name())
        .setDataType(tensor.datatype().configured())
        .addAllDims(tensor.dims())));
    return config.build();
  }

  private static ModelInstanceGroup instances(int count, ExecutionDevice device) {
    ModelInstanceGroup.Builder group = ModelInstanceGroup.newBuilder().setCount(count);
    if (device instanceof ExecutionDevice.Cuda cuda) {
      return group.setKind(Kind.KIND_GPU).addGpus(cuda.id()).build();
    }
    return group.setKind(Kind.KIND_CPU).build();
  }

  private static Map<String, ModelParameter> parameters(ModelCard card) {
    Map<String, ModelParameter> parameters = new TreeMap<>();
    parameters.put("version", text(card.version()));
    parameters.put("architecture", text(card.architecture()));
    if (card.conditional()) {
      parameters.put("labels", list(card.labels()));
      parameters.put("unlearned_labels", list(new TreeSet<>(card.unlearnedLabels().keySet())));
    }
    return parameters;
  }

  private static ModelParameter text(String value) {
    return ModelParameter.newBuilder().setStringValue(value).build();
  }

  private static ModelParameter list(Collection<String> values) {
    ArrayNode list = JsonNodeFactory.instance.arrayNode();
    values.forEach(list::add);
    return text(list.toString());
  }
}
