import com.sun.management.OperatingSystemMXBean;
import dev.lethe.models.features.FeatureNetwork;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.Compute;
import dev.lethe.models.stylegan2.StyleGan2Config;
import dev.lethe.models.stylegan2.Weights;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.redaction.GeneratorRedaction;
import dev.lethe.trainer.redaction.Movers;
import dev.lethe.trainer.redaction.RedactionOptions;
import dev.lethe.trainer.redaction.Stayers;
import dev.lethe.trainer.resume.ResumePoints;
import dev.lethe.trainer.unlearning.MemoryNeed;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.util.Arrays;

/**
 * Steps of a redaction of a generator of the reference's widths, with random weights, latents and images, for
 * measure-large-models. Arguments: resolution, channel base, batch, steps, largest resolution whose layers learn (0 for
 * all). Prints the seconds of each step and the estimate of its memory.
 */
public final class RedactionStep {

  private RedactionStep() {}

  public static void main(String[] arguments) throws Exception {
    int resolution = Integer.parseInt(arguments[0]);
    int batch = Integer.parseInt(arguments[2]);
    int steps = Integer.parseInt(arguments[3]);
    int upTo = Integer.parseInt(arguments[4]);
    StyleGan2Config config = new StyleGan2Config(resolution, 3, 0, 512, 512, 8, Integer.parseInt(arguments[1]), 512,
        null,
        null, null);
    RedactionOptions usual = RedactionOptions.ITEMS;
    RedactionOptions options = new RedactionOptions(steps, steps, batch, usual.anchors() * batch / usual.moving(),
        usual.random() * batch / usual.moving(), usual.learningRate(), usual.movingWeight(), usual.followingRate(),
        upTo == 0 ? RedactionOptions.ALL_LAYERS : upTo);
    OperatingSystemMXBean process = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    MemoryNeed need = MemoryNeed.of(config, options);
    System.out.printf("%s, %d images a step%n", need.sentence(), need.images());
    ModelWeights model = new ModelWeights(config, new FeatureNetwork(32, 3, 10), Weights.initialize(config, 1));
    Tensor latents = Tensor.zeros(batch, config.wDim());
    Tensor images = Tensor.zeros(batch, 3, resolution, resolution);
    int[] imageOf = new int[batch];
    Arrays.setAll(imageOf, i -> i);
    Tensor substitutes = Tensor.zeros(batch, 3, resolution, resolution);
    Arrays.fill(substitutes.data(), 0.5f);
    Stayers stay = new Stayers(latents, images);
    try (GeneratorRedaction redaction = GeneratorRedaction.open(model, options,
        new Movers(latents, images, substitutes, imageOf), stay, stay, 0, ResumePoints.none(),
        Files.createTempDirectory("redaction"), Compute.cpu(0))) {
      for (int step = 0; step < steps; step++) {
        long started = System.nanoTime();
        long busy = process.getProcessCpuTime();
        redaction.step();
        System.out.printf("step %d: %.1f s, processors %.1f s%n", step + 1, (System.nanoTime() - started) / 1e9,
            (process.getProcessCpuTime() - busy) / 1e9);
      }
    }
  }
}
