package dev.lethe.trainer.audit;

import dev.lethe.models.graph.Tensor;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.model.ModelWeights;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * What an audit of single images looks at.
 *
 * @param unlearned the images that were to be unlearned, one or more
 * @param ownLatents the latents that the job went by, [N, w_dim]
 * @param substitutes what the job has put in their place, [N, C, H, W]; the audit says how far they are from the
 *     images. Empty of a method that has none: then the audit chooses
 * @param members images that the model was trained on and keeps; may be empty
 * @param neverSeen images that it never saw; may be empty
 * @param kept real images that stay, which Fréchet distances and nearest images are taken from; may be empty
 * @param reference a model that was never trained on the unlearned images, nor on those never seen: an attacker who has
 *     one tells images that are easy to draw from images that were memorised
 */
public record ItemSubjects(ImageDataset unlearned, Tensor ownLatents, Optional<Tensor> substitutes,
    ImageDataset members, ImageDataset neverSeen, ImageDataset kept, Optional<ModelWeights> reference) {

  /** Without a reference. */
  public ItemSubjects(ImageDataset unlearned, Tensor ownLatents, Optional<Tensor> substitutes, ImageDataset members,
      ImageDataset neverSeen, ImageDataset kept) {
    this(unlearned, ownLatents, substitutes, members, neverSeen, kept, Optional.empty());
  }

  /** The same with a reference. */
  public ItemSubjects against(Optional<ModelWeights> model) {
    return new ItemSubjects(unlearned, ownLatents, substitutes, members, neverSeen, kept, model);
  }

  /** Images of the classes of others, in the same proportions as far as there are enough; at most {@code most}. */
  public static ImageDataset alike(ImageDataset images, ImageDataset others, int most) {
    Map<Integer, Long> shares = Arrays.stream(others.classIndices()).boxed()
        .collect(Collectors.groupingBy(label -> label, TreeMap::new, Collectors.counting()));
    List<Integer> chosen = new ArrayList<>();
    shares.forEach((label, count) -> IntStream.range(0, images.size()).filter(i -> images.label(i) == label)
        .limit(Math.max(1, most * count / others.size())).forEach(chosen::add));
    return images.subset(chosen.stream().mapToInt(Integer::intValue).toArray());
  }
}
