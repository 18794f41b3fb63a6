package dev.lethe.client.cli;

import dev.lethe.client.LetheClient;
import dev.lethe.client.console.Console;
import dev.lethe.v1.GetErasureCertificateResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lethe certificate}. */
@Command(name = "certificate",
    description = "Fetches what proves an erasure: the signed certificate, and a page and a PDF of it.",
    footer = {"", "Verify it without Lethe:",
        "  cosign verify-blob-attestation --key signing.pem.pub --bundle erasure.sigstore.json \\",
        "    --type https://lethe.dev/erasure/v1 --insecure-ignore-tlog report.json"})
final class CertificateCommand implements Callable<Integer> {

  private final Console console;

  @Mixin
  private ServerOptions server;

  @Mixin
  private Output output;

  @ArgGroup(exclusive = true, multiplicity = "0..1")
  private Which which;

  /** Of which erasure. */
  static final class Which {
    @Parameters(paramLabel = "JOB", index = "0", description = "The job that made the erasure.")
    private String job;

    @ArgGroup(exclusive = false)
    private OfVersion version;
  }

  /** The version that came from it. */
  static final class OfVersion {
    @Option(names = "--model", paramLabel = "MODEL", defaultValue = "", description = "Default: the only model.")
    private String model = "";

    @Option(names = "--version", paramLabel = "VERSION", defaultValue = "",
        description = "The version that came from the erasure. Default: the active one.")
    private String version = "";
  }

  @Option(names = "--out", paramLabel = "DIR", defaultValue = ".", description = "Where the files go; default: here.")
  private Path out;

  CertificateCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    try (LetheClient lethe = server.connect()) {
      GetErasureCertificateResponse proof = which != null && which.job != null ? lethe.certificate(which.job)
          : lethe.certificate(which == null || which.version == null ? "" : which.version.model,
              which == null || which.version == null ? "" : which.version.version);
      Map<String, byte[]> files = new LinkedHashMap<>();
      files.put("erasure.sigstore.json", proof.getCertificate().toByteArray());
      files.put("report.json", proof.getReport().toByteArray());
      files.put("model.sig", proof.getModelSignature().toByteArray());
      files.put("signing.pem.pub", proof.getPublicKey().getBytes(StandardCharsets.US_ASCII));
      files.put("certificate.html", proof.getPageHtml().toByteArray());
      files.put("certificate.pdf", proof.getPagePdf().toByteArray());
      try (WholeFiles whole = WholeFiles.in(out)) {
        for (Map.Entry<String, byte[]> file : files.entrySet()) {
          whole.add(file.getKey(), file.getValue());
        }
        whole.publish();
      }
      // In JSON without the files, which lie there now.
      output.one(console, GetErasureCertificateResponse.newBuilder().setModel(proof.getModel())
          .setVersion(proof.getVersion()), () -> console.out().println("Version " + proof.getVersion() + " of "
              + proof.getModel() + ": " + String.join(", ", files.keySet()) + " are in " + out + "."),
          proof.getModel() + "/" + proof.getVersion());
      return 0;
    }
  }
}
