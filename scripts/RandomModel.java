import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.stylegan2.StyleGan2Bundle;
import dev.lethe.models.stylegan2.StyleGan2Config;
import dev.lethe.models.stylegan2.Weights;
import dev.lethe.models.stylegan2.imports.ModelExport;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Writes a generator of the reference's widths with random weights as a state dictionary, for measure-large-models:
 * RGB, unconditional, without a discriminator. Arguments: resolution, channel base, file.
 */
public final class RandomModel {

  private RandomModel() {}

  public static void main(String[] arguments) throws Exception {
    int resolution = Integer.parseInt(arguments[0]);
    StyleGan2Config config = new StyleGan2Config(resolution, 3, 0, 512, 512, 8, Integer.parseInt(arguments[1]), 512,
        null,
        null, null);
    Path directory = Files.createTempDirectory("random-model");
    Bundle bundle = StyleGan2Bundle.write(directory.resolve("bundle"),
        new ModelCard(ModelCard.FORMAT_VERSION, "random", "v1",
        null, ModelCard.STYLEGAN2, config.network(), List.of(), Map.of(), null, null, null, Map.of()),
        Weights.initialize(config, 1));
    ModelExport.stateDict(bundle, Path.of(arguments[2]));
  }
}
