package dev.lethe.client.cli;

import com.google.protobuf.ByteString;
import dev.lethe.client.LetheClient;
import dev.lethe.client.console.Console;
import dev.lethe.client.console.OutPath;
import dev.lethe.v1.GetErasureCertificateResponse;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lethe certificate}. */
@Command(name = "certificate",
    description = "Fetches what proves an erasure: the signed certificate, and a page and a PDF of it.",
    footer = {"", "Verify it without Lethe:",
        "  cosign verify-blob-attestation --key signing.pem.pub --bundle erasure.sigstore.json \\",
        "    --type https://lethe.dev/erasure/v1 --insecure-ignore-tlog report.json"})
final class CertificateCommand implements Callable<Integer> {

  private static final List<String> FILES = List.of("erasure.sigstore.json", "report.json", "model.sig",
      "signing.pem.pub", "certificate.html", "certificate.pdf");

  private final Console console;

  @Spec
  private CommandSpec command;

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

  @Option(names = "--out", paramLabel = "DIR", defaultValue = "certificate",
      description = "Where the files go. Default: certificate.")
  private Path out;

  CertificateCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    OutPath.requireFolder(command, out, List.of());
    WholeFiles.check(out, FILES.toArray(String[]::new));
    try (LetheClient lethe = server.connect()) {
      GetErasureCertificateResponse proof = which != null && which.job != null ? lethe.certificate(which.job)
          : lethe.certificate(which == null || which.version == null ? "" : which.version.model,
              which == null || which.version == null ? "" : which.version.version);
      List<ByteString> contents = List.of(proof.getCertificate(), proof.getReport(), proof.getModelSignature(),
          proof.getPublicKeyBytes(), proof.getPageHtml(), proof.getPagePdf());
      try (WholeFiles whole = WholeFiles.in(out)) {
        for (int i = 0; i < FILES.size(); i++) {
          whole.add(FILES.get(i), contents.get(i).toByteArray());
        }
        whole.publish();
      }
      // In JSON without the files, which lie there now.
      output.one(console, GetErasureCertificateResponse.newBuilder().setModel(proof.getModel())
          .setVersion(proof.getVersion()), () -> console.out().println("Version " + proof.getVersion() + " of "
              + proof.getModel() + ": " + String.join(", ", FILES) + " are in " + out + "."),
          proof.getModel() + "/" + proof.getVersion());
      return 0;
    }
  }
}
