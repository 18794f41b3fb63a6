package dev.lethe.client.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.lethe.v1.LabelledImage;
import java.util.List;
import org.junit.jupiter.api.Test;

class JobOutcomeTest {

  private static final List<LabelledImage> UNLEARN = List.of(LabelledImage.newBuilder().setName("me/a.jpg").build(),
      LabelledImage.getDefaultInstance());
  private static final List<LabelledImage> LEARN = List.of(LabelledImage.newBuilder().setName("b.png").build());

  @Test
  void imagesAreNamedByWhoSentThem() {
    assertEquals("me/a.jpg: turned by 90°", JobOutcome.named("unlearn images[0]: turned by 90°", UNLEARN, LEARN));
    assertEquals("b.png: padded", JobOutcome.named("learn images[0]: padded", UNLEARN, LEARN));
    assertEquals("unlearn images[1]: padded", JobOutcome.named("unlearn images[1]: padded", UNLEARN, LEARN));
    assertEquals("unlearn images[7]: padded", JobOutcome.named("unlearn images[7]: padded", UNLEARN, LEARN));
    assertEquals("all: padded", JobOutcome.named("all: padded", UNLEARN, LEARN));
  }
}
