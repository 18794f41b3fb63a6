package dev.lethe.client.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.lethe.client.FakeServer;
import dev.lethe.client.report.ReportJson.Requests;
import dev.lethe.v1.UnlearnReport;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ReportJsonTest {

  @Test
  void hasTheKeysThatScriptsRelyOn() {
    JsonObject json = JsonParser
        .parseString(ReportJson.write(FakeServer.report(), Optional.of(new Requests(500, 0)))).getAsJsonObject();
    assertEquals(List.of("job_id", "kind", "mode", "substitute", "fake_label", "images", "seconds", "retrain_seconds",
        "speedup", "auc_lu", "fid_l", "fid_u", "acc", "reinversion_mse", "requests_during_swap", "base_version",
        "new_version", "iterations", "skipped_images", "notes", "diverged", "verdict", "reasons", "findings",
        "redaction", "collateral", "membership", "fid_root", "audit_seconds", "recipe", "image_findings",
        "substitute_distance", "preparations"), List.copyOf(json.keySet()));
    assertEquals(List.of("unlearned_before", "unlearned_after", "never_seen"),
        List.copyOf(json.getAsJsonObject("reinversion_mse").keySet()));
    assertEquals(List.of("before", "after"), List.copyOf(json.getAsJsonObject("auc_lu").keySet()));
    assertEquals(500, json.getAsJsonObject("requests_during_swap").get("total").getAsLong());
    assertEquals(0, json.getAsJsonObject("requests_during_swap").get("failed").getAsLong());
    assertEquals(0.97, json.getAsJsonObject("auc_lu").get("after").getAsDouble());
    assertEquals(64, json.get("images").getAsInt());
  }

  @Test
  void aValueOfZeroIsWritten() {
    UnlearnReport report = FakeServer.report().toBuilder().setFakeLabel(0).build();
    assertEquals(0.0, JsonParser.parseString(ReportJson.write(report, Optional.empty())).getAsJsonObject()
        .get("fake_label").getAsDouble());
  }

  @Test
  void withoutAWatcherThereIsNoCount() {
    assertFalse(ReportJson.write(FakeServer.report(), Optional.empty()).contains("requests_during_swap"));
  }
}
