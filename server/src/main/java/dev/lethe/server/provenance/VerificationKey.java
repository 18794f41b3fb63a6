package dev.lethe.server.provenance;

import dev.lethe.models.files.Digests;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.Signature;
import java.security.interfaces.ECPublicKey;
import java.security.spec.X509EncodedKeySpec;

/** A public key on P-256, which tells whether a signature (ECDSA over SHA-256) is of its private key. */
public final class VerificationKey {

  static final String TYPE = "PUBLIC KEY";

  private final PublicKey key;

  VerificationKey(PublicKey key) {
    this.key = key;
  }

  /**
   * Reads a PEM file, as {@code openssl ec -pubout} writes it.
   *
   * @throws ProvenanceException if it holds no public key on P-256, with the file's name
   */
  public static VerificationKey read(Path file) throws IOException {
    try {
      return parse(Files.readString(file, StandardCharsets.US_ASCII), file.toString());
    } catch (NoSuchFileException e) {
      throw new ProvenanceException("there is no public key " + file, e);
    }
  }

  static VerificationKey parse(String pem, String name) throws ProvenanceException {
    try {
      PublicKey key = KeyFactory.getInstance("EC").generatePublic(new X509EncodedKeySpec(Pem.decode(pem, TYPE)));
      if (!P256.isOn((ECPublicKey) key)) {
        throw new ProvenanceException(name + " is a key on another curve than P-256 (prime256v1)");
      }
      return new VerificationKey(key);
    } catch (GeneralSecurityException | IllegalArgumentException e) {
      throw new ProvenanceException(name + " holds no public elliptic-curve key in PEM: " + e.getMessage(), e);
    }
  }

  /** As others read it. */
  public String pem() {
    return Pem.encode(key.getEncoded(), TYPE);
  }

  /** By which a bundle says whose signature it bears: the SHA-256 of {@link #pem}, as model_signing has it. */
  public String hint() {
    return Digests.sha256(pem().getBytes(StandardCharsets.US_ASCII));
  }

  /** @param signature ASN.1 DER, as ECDSA's usually are */
  boolean verifies(byte[] message, byte[] signature) {
    try {
      Signature ecdsa = Signature.getInstance(SigningKey.ALGORITHM);
      ecdsa.initVerify(key);
      ecdsa.update(message);
      return ecdsa.verify(signature);
    } catch (GeneralSecurityException e) {
      // Bytes that are no signature at all are told in the same way as those of another key.
      return false;
    }
  }
}
