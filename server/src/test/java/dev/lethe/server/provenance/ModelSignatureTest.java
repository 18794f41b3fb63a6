package dev.lethe.server.provenance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.files.Digests;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelSignatureTest {

  @TempDir
  Path root;

  private Path folder;
  private SigningKey key;

  @BeforeEach
  void sign() throws IOException {
    folder = Files.createDirectory(root.resolve("v1-u1"));
    Files.writeString(folder.resolve("model.json"), "{}");
    Files.writeString(folder.resolve("synthesis.onnx"), "weights");
    key = SigningKey.open(root.resolve("keys/signing.pem"));
    SignedStatement.sign(ModelSignature.of(folder), key).write(signature());
  }

  private Path signature() {
    return folder.resolve(ModelSignature.FILE);
  }

  private SignedStatement read() throws IOException {
    return SignedStatement.read(signature(), VerificationKey.read(root.resolve("keys/signing.pem.pub")));
  }

  @Test
  void aVersionThatIsAsItWasSignedHolds() throws IOException {
    Statement statement = read().statement();
    ModelSignature.check(statement, folder);
    assertEquals("v1-u1", statement.subject().get(0).name());
    assertEquals(Digests.sha256("weights".getBytes()), ModelSignature.digests(statement).get("synthesis.onnx"));
  }

  @Test
  void noByteOfTheSignatureChangesUnseen() throws IOException {
    byte[] bytes = Files.readAllBytes(signature());
    for (int i = 0; i < bytes.length; i++) {
      byte[] changed = bytes.clone();
      changed[i] ^= 1;
      assertThrows(ProvenanceException.class, () -> SignedStatement.verify(changed, key.verificationKey(), "it"),
          "byte " + i);
    }
  }

  @Test
  void aFileThatWasChangedAddedOrTakenAwayIsNamed() throws IOException {
    Statement statement = read().statement();
    Files.writeString(folder.resolve("synthesis.onnx"), "weighty");
    assertTrue(fault(statement).contains("synthesis.onnx was changed"));
    Files.delete(folder.resolve("synthesis.onnx"));
    assertTrue(fault(statement).contains("synthesis.onnx is missing"));
    Files.writeString(folder.resolve("synthesis.onnx"), "weights");
    Files.writeString(folder.resolve("more.onnx"), "weights");
    assertTrue(fault(statement).contains("more.onnx was added"));
  }

  private String fault(Statement statement) {
    return assertThrows(ProvenanceException.class, () -> ModelSignature.check(statement, folder)).getMessage();
  }

  /** A server that was killed while it wrote a file, and is started again at once. */
  @Test
  void whatACrashHasLeftOfAFileIsNone() throws IOException {
    Files.writeString(folder.resolve(".erasure.sigstore.json." + ProcessHandle.current().pid() + "-12.tmp"), "ha");
    ModelSignature.check(read().statement(), folder);
  }

  @Test
  void aLinkIsNotSigned() throws IOException {
    Files.createSymbolicLink(folder.resolve("mapping.onnx"), root.resolve("keys/signing.pem"));
    assertTrue(assertThrows(ProvenanceException.class, () -> ModelSignature.of(folder)).getMessage()
        .contains("mapping.onnx"));
  }

  @Test
  void anotherKeysSignatureIsToldApart() throws IOException {
    SigningKey other = SigningKey.open(root.resolve("other.pem"));
    assertTrue(assertThrows(ProvenanceException.class,
        () -> SignedStatement.read(signature(), other.verificationKey())).getMessage().contains("another key"));
  }
}
