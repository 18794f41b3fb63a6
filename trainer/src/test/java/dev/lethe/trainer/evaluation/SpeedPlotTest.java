package dev.lethe.trainer.evaluation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.trainer.evaluation.Experiment.Method;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;

class SpeedPlotTest {

  @Test
  void eachChoiceIsAPointWhoseFormTellsItsFid() throws Exception {
    Experiment items = Experiment.items(64);
    String svg = SpeedPlot.of(List.of(result(items, 50, 1.01), result(items.seed(1), 70, 1.03),
        result(items.with(Method.PAPER), 20, 6), result(items.with(Method.NOTHING), 0, 1),
        result(Experiment.ofClasses(7), 10, 1)));
    DocumentBuilderFactory.newInstance().newDocumentBuilder()
        .parse(new ByteArrayInputStream(svg.getBytes(StandardCharsets.UTF_8)));
    assertEquals(1, svg.split("<circle", -1).length - 1);
    assertEquals(1, svg.split("<path", -1).length - 1);
    assertTrue(svg.contains("64 images (FID × 1.02)"), svg);
    assertTrue(svg.contains("the paper's recipe (FID × 6.00)"), svg);
    assertFalse(svg.contains("nothing"), svg);
  }

  private static ExperimentResult result(Experiment experiment, double seconds, double fid) {
    return new ExperimentResult(experiment, true,
        Map.of("seconds", seconds, "retrain_seconds", 1000.0, "fresh", 0.9, "fid_root_ratio", fid), List.of(),
        List.of(), "2026-11-28", "a machine");
  }
}
