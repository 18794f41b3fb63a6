package dev.lethe.models.stylegan2.imports;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.checkpoint.CheckpointException;
import dev.lethe.models.checkpoint.Safetensors;
import dev.lethe.models.checkpoint.Tree;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Parameters under our own names, which are the reference's after {@code G.} and {@code D.}: a safetensors file, or a
 * dictionary with the state dictionaries G and D. What 'lethe export' writes has the model's card beside them.
 */
final class OwnTensors {

  /** Key of the card, a text in JSON. */
  static final String CARD = "lethe.card";
  /** Whatever else is missing, something of these is there. */
  private static final List<String> PARTS = List.of("mapping.", "synthesis.");

  private OwnTensors() {}

  static boolean isOne(Tree root) throws CheckpointException {
    return isFlat(root) || root.has("G") && has(root.get("G"), "");
  }

  private static boolean isFlat(Tree root) throws CheckpointException {
    return has(root, "G.");
  }

  private static boolean has(Tree tree, String prefix) throws CheckpointException {
    return tree.isMap() && tree.children().keySet().stream()
        .anyMatch(name -> PARTS.stream().anyMatch(part -> name.startsWith(prefix + part)));
  }

  static FoundNetworks read(Tree root) throws IOException {
    FoundNetworks found = new FoundNetworks("StyleGAN2 under Lethe's names");
    List<String> others = new ArrayList<>();
    if (isFlat(root)) {
      for (Map.Entry<String, Tree> entry : root.children().entrySet()) {
        String name = entry.getKey();
        if (name.startsWith("G.") || name.startsWith("D.")) {
          add(found, name, entry.getValue());
        } else if (!name.equals(Safetensors.METADATA)) {
          others.add(name);
        }
      }
      card(found, root.has(Safetensors.METADATA) ? root.get(Safetensors.METADATA) : root);
    } else {
      for (String network : List.of("G", "D")) {
        if (root.has(network) && !root.get(network).isNull()) {
          for (Map.Entry<String, Tree> entry : root.get(network).children().entrySet()) {
            add(found, network + "." + entry.getKey(), entry.getValue());
          }
        }
      }
      card(found, root);
    }
    if (!others.isEmpty()) {
      found.note("what is no parameter of G or D was left out: " + NetworkReader.some(others));
    }
    return found;
  }

  private static void add(FoundNetworks found, String name, Tree value) throws IOException {
    Weight weight = Weight.of(value.tensor());
    if (name.endsWith(".resample_filter")) {
      FoundNetworks.requireFilter(name, weight);
    } else {
      // A scalar, with the reference.
      found.add(name, name.endsWith(".noise_strength") ? weight.reshaped(1) : weight);
    }
  }

  private static void card(FoundNetworks found, Tree beside) throws CheckpointException {
    if (!beside.has(CARD)) {
      found.note("there is no card with the tensors: without conv_clamp, and with groups of 4 in the minibatch "
          + "standard "
          + "deviation");
      return;
    }
    try {
      found.card(ModelCard.fromJson(beside.get(CARD).text()));
    } catch (JsonProcessingException e) {
      throw new CheckpointException(CARD + " is not a model card: " + e.getOriginalMessage(), e);
    } catch (IllegalArgumentException e) {
      throw new CheckpointException(CARD + " is not a model card: " + e.getMessage(), e);
    }
  }
}
