package dev.lethe.models.stylegan2.imports;

import dev.lethe.models.checkpoint.Checkpoint;
import dev.lethe.models.checkpoint.CheckpointException;
import dev.lethe.models.checkpoint.Tree;
import dev.lethe.models.stylegan2.StyleGan2Config;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** Reads StyleGAN2 models out of others' files. */
public final class ModelImport {

  private ModelImport() {}

  /**
   * Reads a file whole.
   *
   * @throws CheckpointException naming the file, and what of it is not read and why
   * @throws IOException if the file cannot be read at all
   */
  public static ImportedModel read(Path file, Progress progress) throws IOException {
    try (Checkpoint checkpoint = Checkpoint.open(file)) {
      FoundNetworks found = find(checkpoint.root());
      NetworkReader reader = new NetworkReader(found);
      StyleGan2Config config = reader.config();
      return new ImportedModel(found.source() + ", " + checkpoint.format(), config,
          reader.weights(config, checkpoint.size(), progress), reader.averageMissing(), found.card(),
          List.copyOf(found.notes()));
    } catch (CheckpointException e) {
      throw e.in(file);
    }
  }

  /** What a checkpoint has, by whichever kind it is. */
  static FoundNetworks find(Tree root) throws IOException {
    if (TensorFlowPickle.isOne(root)) {
      return TensorFlowPickle.read(root);
    }
    if (AdaPickle.isOne(root)) {
      return AdaPickle.read(root);
    }
    if (OwnTensors.isOne(root)) {
      return OwnTensors.read(root);
    }
    if (RosinalityCheckpoint.isOne(root)) {
      return RosinalityCheckpoint.read(root);
    }
    throw new CheckpointException("it holds no StyleGAN2 model of a kind that is read: it is "
        + Tree.describe(root.value()) + (root.isMap()
        ? " with " + NetworkReader.some(List.copyOf(root.children().keySet())) : "")
        + " (expected: G_ema and D of StyleGAN2-ADA-PyTorch, the tuple G, D, Gs of TensorFlow's, g_ema and d of "
        + "rosinality's, or parameters named as 'lethe export' names them)");
  }
}
