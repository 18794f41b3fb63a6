package dev.lethe.server.jobs;

import dev.lethe.models.files.Digests;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.HexFormat;

/**
 * Binds a job to an image without telling anything of it: who has the image can tell that it was among those to
 * unlearn, and nobody else can tell anything. A hash without a salt would let everyone try their pictures of a person.
 *
 * @param salt 16 random bytes, in hexadecimal digits
 * @param sha256 of the salt's bytes and the decoded pixels (C, H, W; a byte each), in hexadecimal digits
 */
public record Commitment(String salt, String sha256) {

  private static final SecureRandom RANDOM = new SecureRandom();
  private static final int SALT_BYTES = 16;

  /** A commitment with a new salt. */
  public static Commitment to(byte[] pixels) {
    byte[] salt = new byte[SALT_BYTES];
    RANDOM.nextBytes(salt);
    return with(salt, pixels);
  }

  /** Whether it binds to this image. */
  public boolean holds(byte[] pixels) {
    return equals(with(HexFormat.of().parseHex(salt), pixels));
  }

  private static Commitment with(byte[] salt, byte[] pixels) {
    MessageDigest digest = Digests.digest();
    digest.update(salt);
    return new Commitment(HexFormat.of().formatHex(salt), HexFormat.of().formatHex(digest.digest(pixels)));
  }
}
