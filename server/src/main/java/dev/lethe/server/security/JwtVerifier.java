package dev.lethe.server.security;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.JWKSelector;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.proc.BadJOSEException;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jose.util.DefaultResourceRetriever;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.JWTParser;
import com.nimbusds.jwt.SignedJWT;
import com.nimbusds.jwt.proc.DefaultJWTClaimsVerifier;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import dev.lethe.server.errors.DomainException.Unauthenticated;
import dev.lethe.server.logging.SafeText;
import dev.lethe.server.security.AccessOptions.Jwt;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.ParseException;
import java.time.Duration;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * JSON Web Tokens signed by one of a set of public keys (RFC 7519, RFC 7517). Only signatures with public keys are
 * taken: a token without a signature, or with an HMAC of what everyone knows, is refused whatever it says.
 */
final class JwtVerifier {

  private static final Logger LOG = LoggerFactory.getLogger(JwtVerifier.class);

  private static final Set<JWSAlgorithm> ALGORITHMS = Set.of(
      JWSAlgorithm.RS256, JWSAlgorithm.RS384, JWSAlgorithm.RS512,
      JWSAlgorithm.PS256, JWSAlgorithm.PS384, JWSAlgorithm.PS512,
      JWSAlgorithm.ES256, JWSAlgorithm.ES384, JWSAlgorithm.ES512);
  private static final Duration BETWEEN_FETCHES = Duration.ofSeconds(10);
  private static final int CONNECT_MS = 2000;
  private static final int READ_MS = 5000;
  private static final int LARGEST_SET = 1 << 20;

  private final Vertx vertx;
  private final Jwt options;
  private final Rates rates;
  private final DefaultJWTProcessor<SecurityContext> processor = new DefaultJWTProcessor<>();
  private volatile JWKSet keys = new JWKSet();
  private long lastFetch;
  private Future<Void> fetching;

  JwtVerifier(Vertx vertx, Jwt options, Rates rates) {
    this.vertx = vertx;
    this.options = options;
    this.rates = rates;
    processor.setJWSKeySelector(new JWSVerificationKeySelector<>(ALGORITHMS,
        (JWKSelector selector, SecurityContext context) -> selector.select(keys)));
    processor.setJWTClaimsSetVerifier(new DefaultJWTClaimsVerifier<>(options.audience(),
        new JWTClaimsSet.Builder().issuer(options.issuer()).build(), Set.of("sub", "exp")));
  }

  /**
   * Fetches the keys, now and from time to time. Blocks.
   *
   * @throws IOException if the keys are in a file that cannot be used; a URL that does not answer is tried again
   */
  void start() throws IOException {
    try {
      keys = load();
    } catch (IOException e) {
      if (!isUrl()) {
        throw e;
      }
      LOG.error("no token is accepted before the key set is there: {}", e.getMessage());
    }
    lastFetch = System.nanoTime();
    vertx.setPeriodic(options.refresh().toMillis(), id -> fetch());
  }

  /** The principal of a token; Unauthenticated, with the reason, if it cannot be trusted. */
  Future<Principal> verify(String token) {
    try {
      return Future.succeededFuture(check(token));
    } catch (BadJOSEException e) {
      // A key that was made after the set was fetched.
      if (isOfUnknownKey(token) && mayFetch()) {
        return fetch().otherwiseEmpty().compose(fetched -> {
          try {
            return Future.succeededFuture(check(token));
          } catch (BadJOSEException again) {
            return Future.failedFuture(refused(again));
          }
        });
      }
      return Future.failedFuture(refused(e));
    }
  }

  private Principal check(String token) throws BadJOSEException {
    try {
      JWTClaimsSet claims = processor.process(token, null);
      if (Principal.isReserved(claims.getSubject())) {
        throw new BadJOSEException("its sub is \"" + claims.getSubject()
            + "\", which is what the server calls itself or its workers");
      }
      return new Principal(claims.getSubject(), roles(claims), rates);
    } catch (ParseException | JOSEException e) {
      throw new BadJOSEException(e.getMessage(), e);
    }
  }

  private static RuntimeException refused(Exception reason) {
    return new Unauthenticated("the bearer token is refused: " + reason.getMessage());
  }

  private Set<Role> roles(JWTClaimsSet claims) {
    Set<Role> roles = EnumSet.noneOf(Role.class);
    Object claim = claims.getClaim(options.rolesClaim());
    List<?> names = claim instanceof List<?> list ? list
        : claim instanceof String text ? Arrays.asList(text.split("\\s+")) : List.of();
    // Tokens are made for other services too: roles that are not ours mean nothing here.
    names.forEach(name -> PrincipalsFile.role(name.toString()).ifPresent(roles::add));
    return roles;
  }

  private boolean isOfUnknownKey(String token) {
    try {
      return JWTParser.parse(token) instanceof SignedJWT signed
          && ALGORITHMS.contains(signed.getHeader().getAlgorithm())
          && (signed.getHeader().getKeyID() == null || keys.getKeyByKeyId(signed.getHeader().getKeyID()) == null);
    } catch (ParseException e) {
      return false;
    }
  }

  /** Forged tokens must not make this server an attacker of the one that has the keys. */
  private synchronized boolean mayFetch() {
    return fetching != null || System.nanoTime() - lastFetch > BETWEEN_FETCHES.toNanos();
  }

  private synchronized Future<Void> fetch() {
    if (fetching == null) {
      Future<Void> mine = vertx.<Void>executeBlocking(() -> {
        keys = load();
        return null;
      }, false).onFailure(e -> LOG.error("the key set stays as it was: {}", e.getMessage()));
      fetching = mine;
      mine.onComplete(done -> fetched());
      return mine;
    }
    return fetching;
  }

  private synchronized void fetched() {
    fetching = null;
    lastFetch = System.nanoTime();
  }

  private boolean isUrl() {
    return options.keys().startsWith("http://") || options.keys().startsWith("https://");
  }

  private JWKSet load() throws IOException {
    try {
      return JWKSet.parse(isUrl()
          ? new DefaultResourceRetriever(CONNECT_MS, READ_MS, LARGEST_SET).retrieveResource(new URL(options.keys()))
              .getContent()
          : Files.readString(Path.of(options.keys())));
    } catch (ParseException e) {
      throw new IOException(SafeText.withoutPasswords("jwt.keys: " + options.keys() + " is no JWK set: "
          + e.getMessage()), e);
    } catch (IOException e) {
      throw new IOException(SafeText.withoutPasswords("jwt.keys: " + options.keys() + " cannot be read: "
          + e.getMessage()), e);
    }
  }
}
