package dev.lethe.server.provenance;

import java.math.BigInteger;
import java.security.AlgorithmParameters;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.interfaces.ECKey;
import java.security.spec.ECFieldFp;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.ECParameterSpec;
import java.security.spec.ECPoint;
import java.security.spec.ECPublicKeySpec;
import javax.crypto.KeyAgreement;

/** The curve NIST P-256, in Java's own classes. */
final class P256 {

  static final ECGenParameterSpec NAME = new ECGenParameterSpec("secp256r1");
  private static final ECParameterSpec CURVE;

  static {
    try {
      AlgorithmParameters parameters = AlgorithmParameters.getInstance("EC");
      parameters.init(NAME);
      CURVE = parameters.getParameterSpec(ECParameterSpec.class);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java has P-256", e);
    }
  }

  private P256() {}

  static boolean isOn(ECKey key) {
    ECParameterSpec its = key.getParams();
    return its.getCurve().equals(CURVE.getCurve()) && its.getGenerator().equals(CURVE.getGenerator());
  }

  /**
   * The two points of which one is the public key of a private one. A PKCS#8 file need not hold its public key, and
   * Java has no multiplication of points but in key agreement, which gives the x of the product alone: that with the
   * generator is the public key's, and its y one of two roots.
   */
  static PublicKey[] candidates(PrivateKey key) throws GeneralSecurityException {
    KeyFactory keys = KeyFactory.getInstance("EC");
    KeyAgreement agreement = KeyAgreement.getInstance("ECDH");
    agreement.init(key);
    agreement.doPhase(keys.generatePublic(new ECPublicKeySpec(CURVE.getGenerator(), CURVE)), true);
    BigInteger x = new BigInteger(1, agreement.generateSecret());
    BigInteger p = ((ECFieldFp) CURVE.getCurve().getField()).getP();
    BigInteger square = x.pow(3).add(CURVE.getCurve().getA().multiply(x)).add(CURVE.getCurve().getB()).mod(p);
    // p is 3 modulo 4, so this power of a square is a root of it.
    BigInteger y = square.modPow(p.add(BigInteger.ONE).shiftRight(2), p);
    return new PublicKey[] {
        keys.generatePublic(new ECPublicKeySpec(new ECPoint(x, y), CURVE)),
        keys.generatePublic(new ECPublicKeySpec(new ECPoint(x, p.subtract(y)), CURVE))};
  }
}
