package dev.lethe.trainer.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.Compute;
import dev.lethe.trainer.data.Datasets;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.data.Split;
import dev.lethe.trainer.features.FeatureExtractor;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class FeaturesCommandTest {

  private static final Path SAMPLE = Path.of("..", "onnx-models", "mnist-sample");

  @TempDir Path temp;

  @Test
  void writesANetworkThatKnowsDigits() throws IOException {
    Path out = temp.resolve("deep").resolve("features.onnx");
    assertEquals(0, new CommandLine(new FeaturesCommand()).execute("--data", SAMPLE.toString(), "--out",
        out.toString(), "--epochs", "1", "--batch", "32", "--learning-rate", "0.002", "--threads", "1"));
    ImageDataset test = Datasets.open(SAMPLE, Split.TEST);
    try (FeatureExtractor extractor = FeatureExtractor.open(out, Compute.cpu(1))) {
      Tensor features = extractor.run(test.subset(0, 1)).features();
      assertArrayEquals(new long[] {2, 128}, features.shape());
      double accuracy = extractor.accuracy(test);
      assertTrue(accuracy > 0.7, "accuracy after one pass over 2,000 images " + accuracy);
    }
  }

  @Test
  void imagesWithoutClassesAreRefusedWithAReason() throws IOException {
    for (String split : new String[] {"train", "test"}) {
      Path folder = Files.createDirectories(temp.resolve("plain").resolve(split));
      ImageIO.write(new BufferedImage(32, 32, BufferedImage.TYPE_BYTE_GRAY), "png", folder.resolve("a.png").toFile());
    }
    StringWriter errors = new StringWriter();
    Path out = temp.resolve("features.onnx");
    int code = new CommandLine(new FeaturesCommand()).setErr(new PrintWriter(errors, true))
        .execute("--data", temp.resolve("plain").toString(), "--out", out.toString());
    assertEquals(CommandLine.ExitCode.USAGE, code);
    assertTrue(errors.toString().contains("images without classes"), errors.toString());
    assertFalse(Files.exists(out));
  }
}
