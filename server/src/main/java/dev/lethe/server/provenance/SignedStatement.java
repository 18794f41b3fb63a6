package dev.lethe.server.provenance;

import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lethe.models.files.WholeFile;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * A statement and its signature: a sigstore bundle (v0.3, JSON) around a DSSE envelope around the statement. It names
 * the key by a hint, and has no entry of a transparency log: what is erased is nobody's business but the operator's and
 * those whom the operator shows it to.
 *
 * @param statement what is signed
 * @param bytes the file, as others verify it
 */
public record SignedStatement(Statement statement, byte[] bytes) {

  private static final String BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json";
  private static final int LARGEST = 16 << 20;
  private static final ObjectMapper JSON = new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  public static SignedStatement sign(Statement statement, SigningKey key) {
    try {
      byte[] payload = JSON.writeValueAsBytes(statement);
      Envelope envelope = new Envelope(payload, Statement.MEDIA_TYPE,
          List.of(new Signature(key.sign(preAuthentication(payload)), "")));
      return new SignedStatement(statement, JSON.writeValueAsBytes(new Bundle(BUNDLE,
          new Material(new PublicKey(key.verificationKey().hint()), List.of()), envelope)));
    } catch (IOException e) {
      throw new IllegalStateException("statements are made of what JSON has", e);
    }
  }

  /**
   * Reads a file that {@link #sign} made, and verifies it.
   *
   * @throws ProvenanceException if it is none, was changed, or is signed by another key; with the file's name
   */
  public static SignedStatement read(Path file, VerificationKey key) throws IOException {
    if (Files.size(file) > LARGEST) {
      throw new ProvenanceException(file + " is larger than any signature");
    }
    return verify(Files.readAllBytes(file), key, file.toString());
  }

  /** The same of bytes. */
  public static SignedStatement verify(byte[] bytes, VerificationKey key, String name) throws ProvenanceException {
    Bundle bundle;
    try {
      bundle = JSON.readValue(bytes, Bundle.class);
      if (bundle == null || bundle.dsseEnvelope() == null || bundle.dsseEnvelope().signatures().size() != 1) {
        throw new ProvenanceException(name + " is no sigstore bundle with one signature");
      }
      // Base64 and JSON have many ways to write the same; only the one that was written counts, so that no byte of the
      // file can change unseen.
      if (!Arrays.equals(bytes, JSON.writeValueAsBytes(bundle))) {
        throw new ProvenanceException(name + " was changed: it is not written as it was");
      }
    } catch (ProvenanceException e) {
      throw e;
    } catch (IOException | NullPointerException e) {
      throw new ProvenanceException(name + " is no signed statement: " + e.getMessage(), e);
    }
    Envelope envelope = bundle.dsseEnvelope();
    String hint = bundle.verificationMaterial() == null ? ""
        : bundle.verificationMaterial().publicKey().hint();
    if (!hint.equals(key.hint())) {
      throw new ProvenanceException(name + " is signed by another key: " + hint + ", and not " + key.hint());
    }
    if (!bundle.mediaType().equals(BUNDLE) || !envelope.payloadType().equals(Statement.MEDIA_TYPE)
        || !envelope.signatures().get(0).keyid().isEmpty()
        || !key.verifies(preAuthentication(envelope.payload()), envelope.signatures().get(0).sig())) {
      throw new ProvenanceException(name + " was changed: its signature does not hold");
    }
    // Not before: what the signature does not hold for is not even read.
    Statement statement;
    try {
      statement = JSON.readValue(envelope.payload(), Statement.class);
    } catch (IOException e) {
      throw new ProvenanceException(name + " is no signed statement: " + e.getMessage(), e);
    }
    if (statement == null || !Statement.TYPE.equals(statement.type())) {
      throw new ProvenanceException(name + " is no signed statement");
    }
    return new SignedStatement(statement, bytes);
  }

  /** Puts the file in place, atomically. */
  public void write(Path file) throws IOException {
    WholeFile.write(file, bytes);
  }

  /** What is signed: DSSE's encoding of the payload and its type, which keeps the two apart. */
  private static byte[] preAuthentication(byte[] payload) {
    ByteArrayOutputStream encoded = new ByteArrayOutputStream();
    encoded.writeBytes(("DSSEv1 " + Statement.MEDIA_TYPE.length() + " " + Statement.MEDIA_TYPE + " " + payload.length
        + " ").getBytes(StandardCharsets.UTF_8));
    encoded.writeBytes(payload);
    return encoded.toByteArray();
  }

  @JsonPropertyOrder({"mediaType", "verificationMaterial", "dsseEnvelope"})
  private record Bundle(String mediaType, Material verificationMaterial, Envelope dsseEnvelope) {}

  @JsonPropertyOrder({"publicKey", "tlogEntries"})
  private record Material(PublicKey publicKey, List<String> tlogEntries) {}

  private record PublicKey(String hint) {}

  @JsonPropertyOrder({"payload", "payloadType", "signatures"})
  private record Envelope(byte[] payload, String payloadType, List<Signature> signatures) {}

  @JsonPropertyOrder({"sig", "keyid"})
  private record Signature(byte[] sig, String keyid) {}
}
