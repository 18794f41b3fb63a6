package dev.lethe.client;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.protobuf.ByteString;
import dev.lethe.v1.Image;
import dev.lethe.v1.LabelledImage;
import io.grpc.Status;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class UploadTest {

  private static LabelledImage image(String name, int bytes) {
    return LabelledImage.newBuilder().setName(name)
        .setImage(Image.newBuilder().setData(ByteString.copyFrom(new byte[bytes]))).build();
  }

  @Test
  void anImageAboveTheServersLimitIsNamed() {
    List<LabelledImage> unlearn = List.of(image("7/a.png", 10), image("7/b.png", 3000));
    LetheException refused = new LetheException(Status.Code.RESOURCE_EXHAUSTED,
        "a message of Submit exceeds the limit of 2000 bytes", null);
    LetheException named = Upload.placed(refused, unlearn, List.of());
    assertEquals("RESOURCE_EXHAUSTED: 7/b.png: a message of Submit exceeds the limit of 2000 bytes", named.toString());
    assertEquals(Optional.of("unlearn images[1].image"), named.field());
    assertEquals(Optional.of("learn images[0].image"),
        Upload.placed(refused, unlearn.subList(0, 1), List.of(image("", 2500))).field());
    assertEquals(Optional.empty(), Upload.placed(refused, unlearn.subList(0, 1), List.of()).field());
  }
}
