package dev.lethe.client.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.client.FakeServer;
import dev.lethe.v1.BeforeAfter;
import dev.lethe.v1.UnlearnReport;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.util.List;
import org.junit.jupiter.api.Test;

class ReportTableTest {

  @Test
  void showsEveryMeasurement() {
    String text = print(FakeServer.report());
    for (String value : List.of("0.500", "0.970", "0.0100", "0.0200", "1:00:00", "0:40", "90 times faster",
        "the audit's 0:12", "0.03", "0.98", "0.94", "0.61", "0.17", "0.58", "0.52", "7.00", "7.40")) {
      assertTrue(text.contains(value), value + " in\n" + text);
    }
    for (String row : List.of("redacted, job's latents", "redacted, fresh latents", "redacted, after an attack",
        "collateral", "membership AUC", "FID against the root", "D: kept or unlearned", "re-inversion error")) {
      assertTrue(text.contains(row), row + " in\n" + text);
    }
  }

  @Test
  void ofClassesShowsEachWayToThem() {
    BeforeAfter share = BeforeAfter.newBuilder().setBefore(0.987).setAfter(0.004).build();
    String text = print(UnlearnReport.newBuilder().setErasedRecognised(share).setFormerRecognised(share)
        .setAroundRecognised(share).setReinvertedRecognised(share).setKeptRecognised(share).build());
    for (String row : List.of("erased labels", "at their former w", "at w around those", "found by an attack in W",
        "kept labels seen")) {
      String line = text.lines().filter(l -> l.contains(row)).findFirst().orElseThrow(() -> new AssertionError(text));
      assertTrue(line.contains("0.987") && line.contains("0.004"), line);
    }
    assertFalse(text.contains("redacted"), text);
  }

  @Test
  void whatWasNotMeasuredHasNoRow() {
    String text = print(UnlearnReport.getDefaultInstance());
    for (String row : List.of("redacted", "collateral", "membership", "FID", "erased", "re-inversion", "time", "kept or",
        "unseen")) {
      assertFalse(text.contains(row), row + " in\n" + text);
    }
  }

  @Test
  void theVerdictSaysWhy() {
    assertEquals("forgotten: the images are drawn no more", ReportTable.verdict(FakeServer.report()));
    assertEquals("not forgotten: drawn; and told", ReportTable.verdict(FakeServer.report().toBuilder()
        .setVerdict("not forgotten").addReasons("drawn").addReasons("and told").build()));
    assertEquals("", ReportTable.verdict(UnlearnReport.getDefaultInstance()));
  }

  private static String print(UnlearnReport report) {
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    ReportTable.of(report).print(new PrintStream(printed, true));
    return printed.toString();
  }
}
