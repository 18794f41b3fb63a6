package dev.lethe.server.rest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.Descriptors.ServiceDescriptor;
import dev.lethe.v1.Generation;
import dev.lethe.v1.InspectionOuterClass;
import dev.lethe.v1.Model;
import dev.lethe.v1.Unlearning;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The OpenAPI document tells all of the protocol, and docs/openapi.json is it. */
class OpenApiTest {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Path FILE = Path.of("../docs/openapi.json");
  private static final List<ServiceDescriptor> SERVICES = List.of(
      Generation.getDescriptor().findServiceByName("GenerationService"),
      Model.getDescriptor().findServiceByName("ModelService"),
      Unlearning.getDescriptor().findServiceByName("UnlearningService"),
      InspectionOuterClass.getDescriptor().findServiceByName("InspectionService"));

  private final ObjectNode document = OpenApi.of(HttpRules.read(), SERVICES);

  /** With -Dlethe.openapi=write, by scripts/generate-openapi, it is written. */
  @Test
  void theFileIsWhatTheProtocolSays() throws IOException {
    DefaultPrettyPrinter printer = new DefaultPrettyPrinter().withArrayIndenter(new DefaultIndenter("  ", "\n"))
        .withObjectIndenter(new DefaultIndenter("  ", "\n"));
    String text = JSON.writer(printer).writeValueAsString(document) + "\n";
    if ("write".equals(System.getProperty("lethe.openapi"))) {
      Files.writeString(FILE, text);
    }
    assertEquals(text, Files.readString(FILE), "docs/openapi.json is older than proto/ or http-rules.yaml: run"
        + " scripts/generate-openapi, and commit what it changes");
  }

  @Test
  void everyMethodHasAPathAndEveryReferenceLeadsSomewhere() {
    List<String> operations = document.get("paths").findValuesAsText("operationId");
    SERVICES.forEach(service -> service.getMethods().forEach(method ->
        assertTrue(operations.contains(service.getName() + "_" + method.getName()), method.getFullName())));
    JsonNode schemas = document.at("/components/schemas");
    for (String reference : document.findValuesAsText("$ref")) {
      assertTrue(schemas.has(reference.substring(reference.lastIndexOf('/') + 1)), reference);
    }
    assertEquals("The report, once the job has ended; its pictures, before and after, for who submitted it "
            + "and for operators.",
        document.at("/paths/~1v1~1jobs~1{job_id}~1report/get/description").textValue());
    assertEquals("Truncation psi in [0, 2]; default 1. w = w_avg + psi * (w - w_avg).",
        schemas.at("/GenerateRequest/properties/psi/description").textValue());
  }
}
