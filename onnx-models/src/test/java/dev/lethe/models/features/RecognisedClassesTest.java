package dev.lethe.models.features;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ai.onnx.proto.OnnxMl.ModelProto;
import dev.lethe.models.graph.OnnxWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RecognisedClassesTest {

  @TempDir
  Path directory;

  @Test
  void aFileAndItsModelSayTheSame() throws IOException {
    ModelProto classifier = network(7);
    assertEquals(new RecognisedClasses(true, 7), RecognisedClasses.of(classifier));
    assertEquals(new RecognisedClasses(true, 7), RecognisedClasses.of(written(classifier.toByteArray())));
    ModelProto embedder = new ForeignFeatures(0, List.of(0.5), List.of(0.5), "features", null)
        .of(classifier, 64, 3);
    assertEquals(RecognisedClasses.NONE, RecognisedClasses.of(written(embedder.toByteArray())));
    ModelProto foreign = new ForeignFeatures(0, List.of(0.5), List.of(0.5), "features", "logits")
        .of(classifier, 64, 3);
    assertEquals(new RecognisedClasses(true, 7), RecognisedClasses.of(written(foreign.toByteArray())));
  }

  @Test
  void whatIsNoNetworkTellsNothingApart() throws IOException {
    assertEquals(RecognisedClasses.NONE,
        RecognisedClasses.of(written("no network".getBytes(StandardCharsets.UTF_8))));
    byte[] whole = network(7).toByteArray();
    assertEquals(RecognisedClasses.NONE, RecognisedClasses.of(written(Arrays.copyOf(whole, 1000))));
  }

  private static ModelProto network(int classes) {
    FeatureNetwork network = new FeatureNetwork(32, 1, classes);
    return OnnxWriter.inference(network.graph(), network.initialize(1));
  }

  private Path written(byte[] bytes) throws IOException {
    return Files.write(Files.createTempFile(directory, "features", ".onnx"), bytes);
  }
}
