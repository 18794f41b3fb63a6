package dev.lethe.server.registry;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import dev.lethe.models.bundle.BundleName;
import dev.lethe.server.erasure.CertificatePage;
import dev.lethe.server.erasure.CertificatePdf;
import dev.lethe.server.erasure.Erasure;
import dev.lethe.server.erasure.ErasureCertificate;
import dev.lethe.server.errors.DomainException.NotFound;
import dev.lethe.server.errors.DomainException.PermissionDenied;
import dev.lethe.server.modelstore.VersionFiles;
import dev.lethe.server.provenance.ModelSignature;
import dev.lethe.server.provenance.SignedStatement;
import dev.lethe.server.provenance.VerificationKey;
import dev.lethe.server.rpc.Call;
import dev.lethe.server.security.Principal;
import dev.lethe.v1.GetErasureCertificateRequest;
import dev.lethe.v1.GetErasureCertificateResponse;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.Optional;

/** Answers with certificates, those of retired and purged versions too. Blocks. */
record Certificates(ModelRegistry registry) {

  GetErasureCertificateResponse answer(GetErasureCertificateRequest request, Call<?> call) throws IOException {
    ServedModel model;
    String version;
    String file = ErasureCertificate.FILE;
    if (request.getJobId().isEmpty()) {
      model = registry.model(request.getModel());
      version = request.getVersion().isEmpty() ? model.activeVersion().orElseThrow(model::unloaded)
          : request.getVersion();
    } else {
      Erasure erasure = ofJob(request.getJobId());
      model = registry.model(erasure.model());
      version = erasure.version();
      String own = ErasureCertificate.file(erasure.id());
      file = registry.store().proof(model.name(), version).has(own) ? own : file;
    }
    if (!BundleName.isValid(version)) {
      throw new NotFound("version: model " + model.name() + " has no version "
          + ClassLabels.abbreviate(version));
    }
    call.about("model", model.name());
    call.about("version", version);
    VersionFiles proof = registry.store().proof(model.name(), version);
    // Before it is promoted there may be one for a moment, or of an attempt that failed.
    Optional<byte[]> written = model.life().wasPromoted(version) ? proof.read(file) : Optional.empty();
    if (written.isEmpty()) {
      throw new NotFound("version: " + version + " of " + model.name()
          + " has no erasure certificate: " + (model.life().wasPromoted(version)
              ? "its job is not known to this server" : "no erasure of it was promoted"));
    }
    VerificationKey key = registry.signatory().verificationKey();
    SignedStatement certificate = SignedStatement.verify(written.get(), key, proof.locate(file));
    if (!request.getJobId().isEmpty()) {
      requireConcerned(call.caller().principal(), request.getJobId(),
          certificate.statement().predicate().path("erasure").path("requestedBy").asText());
    }
    return GetErasureCertificateResponse.newBuilder()
        .setModel(model.name())
        .setVersion(version)
        .setCertificate(UnsafeByteOperations.unsafeWrap(certificate.bytes()))
        .setReport(file(proof, ErasureCertificate.counterpart(file)))
        .setModelSignature(file(proof, ModelSignature.FILE))
        .setPublicKey(key.pem())
        .setPageHtml(UnsafeByteOperations.unsafeWrap(CertificatePage.html(certificate, key)))
        .setPagePdf(UnsafeByteOperations.unsafeWrap(CertificatePdf.pdf(certificate, key)))
        .build();
  }

  /** Of a version everyone may ask who may unlearn; what became of a job is the matter of who has submitted it. */
  private static void requireConcerned(Principal caller, String job, String submitter) {
    if (!caller.concerns(submitter)) {
      throw new PermissionDenied(caller.name() + " may not do this: job " + job + " was submitted by " + submitter
          + "; that client or one with the role operate can, or ask for the certificate of a model's version");
    }
  }

  private static ByteString file(VersionFiles proof, String name) throws IOException {
    return UnsafeByteOperations.unsafeWrap(
        proof.read(name).orElseThrow(() -> new NoSuchFileException(proof.locate(name))));
  }

  private Erasure ofJob(String job) {
    Optional<Erasure> erasure = registry.names().stream()
        .flatMap(name -> registry.lifecycle().of(name).erasures().stream())
        .filter(known -> known.id().equals(job)).findFirst();
    return erasure.orElseThrow(() -> new NotFound("job_id: no erasure of job "
        + ClassLabels.abbreviate(job) + " was promoted"));
  }
}
