package dev.lethe.client.report;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.JsonFormat;
import dev.lethe.v1.UnlearnReport;
import java.util.Map;
import java.util.Optional;

/**
 * {@code report.json}: the fields of {@link UnlearnReport} by their names in the protocol, and {@code
 * requests_during_swap} of a client that watched the swap.
 */
public final class ReportJson {

  private static final Gson PRETTY = new GsonBuilder().setPrettyPrinting().create();
  private static final JsonFormat.Printer FIELDS =
      JsonFormat.printer().preservingProtoFieldNames().alwaysPrintFieldsWithNoPresence();
  /** Before the versions, as scripts know the file. */
  private static final String FIRST_VERSION_KEY = "base_version";

  private ReportJson() {}

  /**
   * Answers that a client got while a job ran and its result was swapped in.
   *
   * @param total requests sent
   * @param failed those of them without a good answer
   */
  public record Requests(long total, long failed) {}

  /**
   * @param requests written as {@code requests_during_swap} {total, failed}; empty: the key is left out
   * @return indented JSON that ends with a line break
   */
  public static String write(UnlearnReport report, Optional<Requests> requests) {
    JsonObject json = new JsonObject();
    for (Map.Entry<String, JsonElement> field : fields(report).entrySet()) {
      if (field.getKey().equals(FIRST_VERSION_KEY)) {
        requests.ifPresent(counted -> json.add("requests_during_swap", PRETTY.toJsonTree(counted)));
      }
      json.add(field.getKey(), field.getValue());
    }
    return PRETTY.toJson(json) + "\n";
  }

  private static JsonObject fields(UnlearnReport report) {
    try {
      return JsonParser.parseString(FIELDS.print(report)).getAsJsonObject();
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("the report has a field that JSON cannot hold", e);
    }
  }
}
