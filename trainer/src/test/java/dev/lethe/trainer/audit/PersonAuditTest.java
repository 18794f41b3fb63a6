package dev.lethe.trainer.audit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.features.FeatureNetwork;
import dev.lethe.models.graph.OnnxWriter;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.Compute;
import dev.lethe.trainer.TinyModel;
import dev.lethe.trainer.audit.PersonFindings.Likeness;
import dev.lethe.trainer.audit.PersonSubjects.Group;
import dev.lethe.trainer.data.Datasets;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.identity.IdentityJudge;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.resume.ResumePoints;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PersonAuditTest {

  private static final AuditOptions SHORT = new AuditOptions(8, 2, 4, 4, false, 16, 0);

  @TempDir
  private Path directory;

  @Test
  void everyoneIsComparedWithPhotosOfTheirOwn() throws IOException {
    ModelWeights model = TinyModel.of(0);
    PersonSubjects subjects = subjects();
    try (IdentityJudge judge = judge()) {
      PersonAudit audit = new PersonAudit(model, judge, SHORT, 1, directory, Compute.cpu(1));
      PersonAudit.Original before = audit.before(subjects, ResumePoints.none(), share -> { });
      PersonFindings found = audit.run(model, before, ResumePoints.none(), share -> { });
      // Both halves show one picture, so each photo's likeness with the others is whole; with another's it is not.
      assertEquals(1, found.of(Group.SENT).real().value(), 1e-5);
      assertEquals(1, found.of(Group.NOT_SENT).real().value(), 1e-5);
      assertEquals(1, found.of(Group.STRANGERS).real().value(), 1e-5);
      for (Group group : Group.values()) {
        Likeness likeness = found.of(group);
        assertEquals(likeness.before(), likeness.same(), "nothing has changed: " + group);
        assertEquals(likeness.before(), audit.likeness(before, group));
      }
      assertEquals(6, found.pictures().photos().shape()[0]);
    }
  }

  @Test
  void aGeneratorThatDrawsSomethingElseIsSeen() throws IOException {
    ModelWeights model = TinyModel.of(0);
    Map<String, Tensor> changed = new HashMap<>();
    model.weights().forEach((name, weight) -> {
      if (name.startsWith("G.synthesis.") && name.contains("torgb") && name.endsWith("weight")) {
        float[] negative = weight.data().clone();
        for (int i = 0; i < negative.length; i++) {
          negative[i] = -negative[i];
        }
        changed.put(name, new Tensor(weight.shape(), negative));
      }
    });
    assertTrue(!changed.isEmpty());
    try (IdentityJudge judge = judge()) {
      PersonAudit audit = new PersonAudit(model, judge, SHORT, 1, directory, Compute.cpu(1));
      PersonFindings found = audit.run(model.with(changed), audit.before(subjects(), ResumePoints.none(), share -> { }),
          ResumePoints.none(), share -> { });
      assertTrue(Math.abs(found.of(Group.SENT).before().value() - found.of(Group.SENT).same().value()) > 1e-4);
    }
  }

  @Test
  void aGroupWithoutPhotosIsRefused() {
    Map<Group, ImageDataset> groups = new EnumMap<>(subjects().groups());
    groups.remove(Group.STRANGERS);
    assertThrows(IllegalArgumentException.class, () -> new PersonSubjects(groups));
  }

  /** One picture for each person, again and again: so the judge has no doubt. */
  private static PersonSubjects subjects() {
    Map<Group, ImageDataset> groups = new EnumMap<>(Group.class);
    ImageDataset pictures = TinyModel.unlearned(0, 8);
    groups.put(Group.SENT, copies(pictures, 0, 0, 0));
    groups.put(Group.NOT_SENT, copies(pictures, 0, 0, 0));
    groups.put(Group.ALIKE, copies(pictures, 1, 1, 2, 2));
    groups.put(Group.OTHERS, copies(pictures, 3, 3, 4, 4));
    groups.put(Group.STRANGERS, copies(pictures, 5, 5, 6, 6));
    return new PersonSubjects(groups);
  }

  /** The pictures at these indices, which name the people. */
  private static ImageDataset copies(ImageDataset pictures, int... indices) {
    return Datasets.of(List.of("0", "1", "2", "3", "4", "5", "6"), pictures.images(indices),
        Arrays.copyOf(indices, indices.length));
  }

  private static IdentityJudge judge() {
    FeatureNetwork network = new FeatureNetwork(TinyModel.SIZE, 1, 2);
    return IdentityJudge.open(OnnxWriter.inference(network.graph(), network.initialize(3)), TinyModel.learned(0, 16),
        Compute.cpu(1));
  }
}
