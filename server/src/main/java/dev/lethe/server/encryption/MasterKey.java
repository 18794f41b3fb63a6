package dev.lethe.server.encryption;

import dev.lethe.models.encryption.FileCipher;
import dev.lethe.models.files.WholeFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.util.Base64;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * The key of a server, or of all that share a database. Each job's images are encrypted with a key of their own, which
 * is kept only in the form that this one opens: once that is deleted, nobody reads the images any more, wherever copies
 * of them may lie.
 */
public final class MasterKey {

  /** Environment variable with the key in hexadecimal digits; goes before the file. */
  public static final String VARIABLE = "LETHE_KEY";

  private static final String MAC = "HmacSHA256";

  private final FileCipher cipher;
  private final SecretKeySpec digests;

  private MasterKey(byte[] key) {
    this.cipher = new FileCipher(key);
    this.digests = new SecretKeySpec(mac(new SecretKeySpec(key, MAC), "digests"), MAC);
  }

  /**
   * Takes the key from the environment, or else from a file, which is made with a new key, for its owner alone, if it
   * is not there.
   *
   * @param variable the value of {@value #VARIABLE}; null for none
   * @throws IOException if the key has another form, or the file cannot be read or made; with what to do
   */
  public static MasterKey open(@Nullable String variable, Path file) throws IOException {
    if (variable != null) {
      return parse(variable, VARIABLE);
    }
    if (Files.notExists(file)) {
      WholeFile.makeSecret(file,
          (HexFormat.of().formatHex(FileCipher.newKey()) + "\n").getBytes(StandardCharsets.US_ASCII));
    }
    return parse(Files.readString(file), file.toString());
  }

  private static MasterKey parse(String text, String where) throws IOException {
    String digits = text.strip();
    if (!digits.matches("[0-9a-fA-F]{" + 2 * FileCipher.KEY_BYTES + "}")) {
      throw new IOException(where + " is no key: it must have " + 2 * FileCipher.KEY_BYTES + " hexadecimal digits, as"
          + " \"openssl rand -hex " + FileCipher.KEY_BYTES + "\" makes them");
    }
    return new MasterKey(HexFormat.of().parseHex(digits));
  }

  /** A job's key in the form in which it may be kept. */
  public String seal(String job, byte[] key) {
    return Base64.getEncoder().encodeToString(cipher.seal("the key of " + job, key));
  }

  /**
   * A job's key again.
   *
   * @throws IOException if it was sealed with another master key
   */
  public byte[] open(String job, String sealed) throws IOException {
    try {
      return cipher.open("the key of " + job, Base64.getDecoder().decode(sealed));
    } catch (IllegalArgumentException e) {
      throw new IOException("the key of " + job + " is damaged", e);
    }
  }

  /** A digest of what is said, from which nobody without the key can tell whether a guess is right. */
  public String digest(String said) {
    return HexFormat.of().formatHex(mac(digests, said));
  }

  private static byte[] mac(SecretKeySpec key, String text) {
    try {
      Mac mac = Mac.getInstance(MAC);
      mac.init(key);
      return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java platform has " + MAC, e);
    }
  }
}
