package dev.lethe.bench.measure;

import dev.lethe.bench.model.BenchModel;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.image.ImageEncoder;
import dev.lethe.models.image.Pixels;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.models.runtime.InferenceSession;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Where the time of one image goes, on one thread each: synthesis, and what is done to its pixels.
 *
 * @param synthesis milliseconds
 * @param pixels milliseconds from float to bytes
 * @param png milliseconds from bytes to a PNG file
 * @param jpeg milliseconds from bytes to a JPEG file
 * @param pngBytes of the file
 * @param jpegBytes of the file
 */
public record EncodingCost(String model, double synthesis, double pixels, double png, double jpeg, int pngBytes,
    int jpegBytes) {

  /** @param seconds of each part at least */
  public static EncodingCost of(BenchModel model, ExecutionDevice device, int turns, double seconds) {
    ModelCard.Network network = model.bundle().card().network();
    int size = network.resolution();
    Tensor ws = Tensor.zeros(1, network.numWs(), network.wDim());
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < ws.data().length; i++) {
      ws.data()[i] = (float) random.nextDouble(-1, 1);
    }
    try (InferenceSession synthesis = model.served(device, 1)) {
      float[] image = synthesis.run(Map.of("ws", ws)).get("image").data();
      byte[] bytes = Pixels.toBytes(image);
      List<double[]> millis = Turns.take(turns, seconds / turns,
          () -> synthesis.run(Map.of("ws", ws)),
          () -> Pixels.toBytes(image),
          () -> ImageEncoder.png(bytes, network.channels(), size, size),
          () -> ImageEncoder.jpeg(bytes, network.channels(), size, size));
      return new EncodingCost(model.title(), Turns.median(millis, 0), Turns.median(millis, 1),
          Turns.median(millis, 2), Turns.median(millis, 3),
          ImageEncoder.png(bytes, network.channels(), size, size).length,
          ImageEncoder.jpeg(bytes, network.channels(), size, size).length);
    }
  }
}
