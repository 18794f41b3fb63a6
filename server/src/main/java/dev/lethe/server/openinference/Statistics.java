package dev.lethe.server.openinference;

import dev.lethe.inference.InferBatchStatistics;
import dev.lethe.inference.InferStatistics;
import dev.lethe.inference.ModelStatistics;
import dev.lethe.inference.ModelStatisticsRequest;
import dev.lethe.inference.ModelStatisticsResponse;
import dev.lethe.inference.StatisticDuration;
import dev.lethe.server.errors.DomainException.NotFound;
import dev.lethe.server.inference.GeneratorStatistics;
import dev.lethe.server.inference.GeneratorStatistics.Snapshot;
import dev.lethe.server.inference.GeneratorStatistics.Total;
import dev.lethe.server.registry.ClassLabels;
import dev.lethe.server.registry.ModelRegistry;
import dev.lethe.server.registry.ServedModel;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** What versions in memory have done, in Triton's terms. */
final class Statistics {

  private final ModelRegistry registry;

  Statistics(ModelRegistry registry) {
    this.registry = registry;
  }

  ModelStatisticsResponse answer(ModelStatisticsRequest request) {
    boolean all = request.getName().isEmpty();
    List<ServedModel> models = all
        ? registry.names().stream().map(name -> registry.find(name).orElse(null)).filter(Objects::nonNull).toList()
        : List.of(registry.model(request.getName()));
    ModelStatisticsResponse.Builder answer = ModelStatisticsResponse.newBuilder();
    for (ServedModel model : models) {
      Map<String, GeneratorStatistics> ready = model.ready();
      if (!all && ready.isEmpty()) {
        throw model.unloaded();
      }
      if (!request.getVersion().isEmpty()) {
        requireReady(request, model.name(), ready);
        ready.keySet().retainAll(List.of(request.getVersion()));
      }
      ready.forEach((version, done) -> answer.addModelStats(statistics(model.name(), version, done.snapshot())));
    }
    return answer.build();
  }

  private static void requireReady(ModelStatisticsRequest request, String model, Map<String, ?> ready) {
    if (!request.getName().isEmpty() && !ready.containsKey(request.getVersion())) {
      throw new NotFound("version: " + ClassLabels.abbreviate(request.getVersion()) + " of model "
          + model + " is not in memory; there are " + ready.keySet());
    }
  }

  private static ModelStatistics statistics(String model, String version, Snapshot done) {
    ModelStatistics.Builder statistics = ModelStatistics.newBuilder()
        .setName(model)
        .setVersion(version)
        .setLastInference(done.last().map(Instant::toEpochMilli).orElse(0L))
        .setInferenceCount(done.compute().count())
        .setExecutionCount(done.runs())
        .setInferenceStats(InferStatistics.newBuilder()
            .setSuccess(duration(done.succeeded()))
            .setFail(duration(done.failed()))
            .setQueue(duration(done.queue()))
            .setComputeInfer(duration(done.compute()))
            .setComputeOutput(duration(done.encoding())));
    done.batches().forEach((size, batches) -> statistics.addBatchStats(InferBatchStatistics.newBuilder()
        .setBatchSize(size)
        .setComputeInfer(duration(batches.runs()))
        .setComputeOutput(duration(batches.encoding()))));
    return statistics.build();
  }

  private static StatisticDuration duration(Total total) {
    return StatisticDuration.newBuilder().setCount(total.count()).setNs(total.nanoseconds()).build();
  }
}
