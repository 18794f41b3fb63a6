package dev.lethe.models.encryption;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Arrays;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * AES-256-GCM of whole files: a random nonce of 12 bytes, what is encrypted, a tag of 16 bytes. Each file is bound to a
 * name, so that none can be put in another's place. One key is good for far more files than a job has: at a random
 * nonce each, 2^32.
 */
public final class FileCipher {

  public static final int KEY_BYTES = 32;

  private static final String CIPHER = "AES/GCM/NoPadding";
  private static final int NONCE_BYTES = 12;
  private static final int TAG_BITS = 128;
  private static final SecureRandom RANDOM = new SecureRandom();

  private final SecretKeySpec key;

  /** @param key of {@value #KEY_BYTES} bytes */
  public FileCipher(byte[] key) {
    if (key.length != KEY_BYTES) {
      throw new IllegalArgumentException("a key has " + KEY_BYTES + " bytes; this one has " + key.length);
    }
    this.key = new SecretKeySpec(key, "AES");
  }

  /** A new random key. */
  public static byte[] newKey() {
    byte[] key = new byte[KEY_BYTES];
    RANDOM.nextBytes(key);
    return key;
  }

  /** @param name to which the file is bound */
  public byte[] seal(String name, byte[] plain) {
    byte[] nonce = new byte[NONCE_BYTES];
    RANDOM.nextBytes(nonce);
    try {
      Cipher cipher = cipher(Cipher.ENCRYPT_MODE, name, nonce);
      byte[] sealed = Arrays.copyOf(nonce, NONCE_BYTES + cipher.getOutputSize(plain.length));
      cipher.doFinal(plain, 0, plain.length, sealed, NONCE_BYTES);
      return sealed;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java platform has AES-GCM", e);
    }
  }

  /**
   * @param name to which the file was bound
   * @throws IOException if it was encrypted with another key or for another name, or is damaged
   */
  public byte[] open(String name, byte[] sealed) throws IOException {
    if (sealed.length < NONCE_BYTES + TAG_BITS / 8) {
      throw new IOException(name + " is no encrypted file: it has " + sealed.length + " bytes");
    }
    try {
      return cipher(Cipher.DECRYPT_MODE, name, sealed)
          .doFinal(sealed, NONCE_BYTES, sealed.length - NONCE_BYTES);
    } catch (AEADBadTagException e) {
      throw new IOException(name + " cannot be decrypted: it is damaged, or was encrypted with another key", e);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java platform has AES-GCM", e);
    }
  }

  private Cipher cipher(int mode, String name, byte[] nonce) throws GeneralSecurityException {
    Cipher cipher = Cipher.getInstance(CIPHER);
    cipher.init(mode, key, new GCMParameterSpec(TAG_BITS, nonce, 0, NONCE_BYTES));
    cipher.updateAAD(name.getBytes(StandardCharsets.UTF_8));
    return cipher;
  }
}
