package dev.lethe.server.provenance;

import dev.lethe.models.files.WholeFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.interfaces.ECPrivateKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The private key that a server signs versions with: ECDSA on P-256 over SHA-256, since that is what both model_signing
 * and cosign verify. It is a PEM file (PKCS#8, not encrypted) that its owner alone may read; the public key lies beside
 * it, in a file of the same name with {@code .pub}.
 */
public final class SigningKey {

  static final String ALGORITHM = "SHA256withECDSA";

  private static final Logger LOG = LoggerFactory.getLogger(SigningKey.class);
  private static final String TYPE = "PRIVATE KEY";
  private static final String PUBLIC = ".pub";
  private static final byte[] PROBE = "which of two".getBytes(StandardCharsets.US_ASCII);

  private final PrivateKey key;
  private final VerificationKey verification;

  private SigningKey(PrivateKey key, VerificationKey verification) {
    this.key = key;
    this.verification = verification;
  }

  /**
   * Reads the key; makes one where there is neither a key nor a public key. Writes the public key beside it.
   *
   * @throws IOException if the file is no such key, or its public key lies there without it, with what to do
   */
  public static SigningKey open(Path file) throws IOException {
    Path exported = publicKey(file);
    if (!Files.exists(file)) {
      if (Files.exists(exported)) {
        throw new ProvenanceException("the signing key " + file + " is gone, but its public key " + exported
            + " is there: restore the key. To go on with a new one, keep the public key elsewhere, since it alone"
            + " verifies what was signed so far, and take it away from there");
      }
      create(file);
    }
    SigningKey key = read(file);
    if (!Files.exists(exported)) {
      Files.writeString(exported, key.verificationKey().pem());
    } else if (!VerificationKey.read(exported).pem().equals(key.verificationKey().pem())) {
      throw new ProvenanceException(exported + " is not the public key of " + file + ": put back the one of the two"
          + " that was changed. To go on with a new key, keep the public key elsewhere, since it alone verifies what"
          + " was signed so far, and take it away from there");
    }
    return key;
  }

  /** Where the public key of the key in this file lies. */
  public static Path publicKey(Path file) {
    return file.resolveSibling(file.getFileName() + PUBLIC);
  }

  private static void create(Path file) throws IOException {
    byte[] pem;
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
      generator.initialize(P256.NAME);
      pem = Pem.encode(generator.generateKeyPair().getPrivate().getEncoded(), TYPE).getBytes(StandardCharsets.US_ASCII);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java makes keys on P-256", e);
    }
    WholeFile.makeSecret(file, pem);
    LOG.info("made a signing key: {}; others verify with {}", file, publicKey(file));
  }

  private static SigningKey read(Path file) throws IOException {
    warnIfOthersRead(file);
    try {
      PrivateKey key = KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(
          Pem.decode(Files.readString(file, StandardCharsets.US_ASCII), TYPE)));
      if (!P256.isOn((ECPrivateKey) key)) {
        throw new ProvenanceException(file + " is a key on another curve: a signing key is on P-256 (prime256v1)");
      }
      byte[] signed = sign(key, PROBE);
      for (PublicKey candidate : P256.candidates(key)) {
        VerificationKey verification = new VerificationKey(candidate);
        if (verification.verifies(PROBE, signed)) {
          return new SigningKey(key, verification);
        }
      }
      throw new ProvenanceException(file + " has no public key");
    } catch (GeneralSecurityException | IllegalArgumentException e) {
      throw new ProvenanceException(file + " is no signing key, which is an elliptic-curve key on P-256 in PKCS#8,"
          + " without a passphrase (openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256; other forms become"
          + " one by openssl pkcs8 -topk8 -nocrypt): " + e.getMessage(), e);
    }
  }

  private static void warnIfOthersRead(Path file) throws IOException {
    if (FileSystems.getDefault().supportedFileAttributeViews().contains("posix")) {
      Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(file);
      if (permissions.contains(PosixFilePermission.OTHERS_READ)) {
        LOG.warn("everyone on this machine can read the signing key {}, and sign in this server's name: chmod 600",
            file);
      }
    }
  }

  public VerificationKey verificationKey() {
    return verification;
  }

  /** ASN.1 DER. */
  byte[] sign(byte[] message) {
    return sign(key, message);
  }

  private static byte[] sign(PrivateKey key, byte[] message) {
    try {
      Signature ecdsa = Signature.getInstance(ALGORITHM);
      ecdsa.initSign(key);
      ecdsa.update(message);
      return ecdsa.sign();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("a key on P-256 signs", e);
    }
  }
}
