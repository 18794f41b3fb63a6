package dev.lethe.server.provenance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.spec.ECGenParameterSpec;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SigningKeyTest {

  @TempDir
  Path root;

  @Test
  void isMadeOnceAndReadByItsOwnerAlone() throws IOException {
    Path file = root.resolve("keys/signing.pem");
    String made = SigningKey.open(file).verificationKey().pem();
    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
    assertEquals(made, Files.readString(root.resolve("keys/signing.pem.pub")));
    assertEquals(made, SigningKey.open(file).verificationKey().pem());
  }

  @RepeatedTest(8)
  void thePublicKeyIsFoundFromThePrivateOneAlone() throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(new ECGenParameterSpec("secp256r1"));
    KeyPair pair = generator.generateKeyPair();
    Path file = Files.writeString(root.resolve("own.pem"), Pem.encode(pair.getPrivate().getEncoded(), "PRIVATE KEY"));
    assertEquals(Pem.encode(pair.getPublic().getEncoded(), "PUBLIC KEY"),
        SigningKey.open(file).verificationKey().pem());
    Files.delete(root.resolve("own.pem.pub"));
  }

  @Test
  void aKeyThatIsGoneIsNotReplacedWithoutAWord() throws IOException {
    Path file = root.resolve("signing.pem");
    SigningKey.open(file);
    Files.delete(file);
    assertTrue(assertThrows(IOException.class, () -> SigningKey.open(file)).getMessage().contains("is gone"));
  }

  @Test
  void aPublicKeyOfAnotherIsRefused() throws IOException {
    SigningKey.open(root.resolve("one.pem"));
    SigningKey.open(root.resolve("two.pem"));
    Files.copy(root.resolve("one.pem.pub"), root.resolve("two.pem.pub"),
        StandardCopyOption.REPLACE_EXISTING);
    assertTrue(assertThrows(IOException.class, () -> SigningKey.open(root.resolve("two.pem"))).getMessage()
        .contains("is not the public key of"));
  }

  @Test
  void otherCurvesAndOtherFilesAreRefusedByName() throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(new ECGenParameterSpec("secp384r1"));
    Path other = Files.writeString(root.resolve("p384.pem"),
        Pem.encode(generator.generateKeyPair().getPrivate().getEncoded(), "PRIVATE KEY"));
    assertTrue(assertThrows(IOException.class, () -> SigningKey.open(other)).getMessage().contains("P-256"));
    Path text = Files.writeString(root.resolve("text.pem"), "secret");
    String told = assertThrows(IOException.class, () -> SigningKey.open(text)).getMessage();
    assertTrue(told.contains("text.pem") && told.contains("openssl"), told);
  }
}
