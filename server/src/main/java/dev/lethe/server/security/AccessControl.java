package dev.lethe.server.security;

import dev.lethe.server.config.ConfigurationException;
import dev.lethe.server.errors.DomainException;
import dev.lethe.server.errors.DomainException.PermissionDenied;
import dev.lethe.server.errors.DomainException.Unauthenticated;
import dev.lethe.server.security.AccessOptions.Open;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpConnection;
import java.io.IOException;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import javax.naming.InvalidNameException;
import javax.naming.ldap.LdapName;
import javax.naming.ldap.Rdn;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;

/**
 * Finds out who calls, by bearer token or certificate, and whether they may. Where no authentication is configured,
 * everyone is one principal, {@code anonymous}, with all roles but {@code latents}: what an operator closes to clients
 * is closed then, too.
 */
public final class AccessControl {

  private static final String SCHEME = "bearer ";
  /** Above this, principals that have not called for a while are forgotten. */
  private static final int MOST_CALLERS = 10_000;

  private final AccessOptions options;
  private final Principal anonymous;
  private final Optional<JwtVerifier> jwt;
  private final Map<String, Caller> callers = new ConcurrentHashMap<>();
  // Empty if there is no file; replaced as a whole when it changes.
  private volatile Optional<PrincipalsFile> principals = Optional.empty();

  private AccessControl(Vertx vertx, AccessOptions options) {
    this.options = options;
    this.anonymous = new Principal("anonymous", EnumSet.complementOf(EnumSet.of(Role.LATENTS)), options.rates());
    this.jwt = options.jwt().map(tokens -> new JwtVerifier(vertx, tokens, options.rates()));
  }

  /**
   * Reads files and keys, and again when they change. Blocks.
   *
   * @throws IOException if a file cannot be used
   */
  public static AccessControl open(Vertx vertx, AccessOptions options) throws IOException {
    AccessControl access = new AccessControl(vertx, options);
    if (options.principals().isPresent()) {
      Path file = options.principals().get();
      try {
        access.readPrincipals(file);
      } catch (ConfigurationException e) {
        throw new IOException(e.getMessage(), e);
      }
      WatchedFiles.watch(vertx, List.of(file), options.reload(), () -> access.readPrincipals(file));
    }
    if (access.jwt.isPresent()) {
      access.jwt.get().start();
    }
    return access;
  }

  private void readPrincipals(Path file) throws ConfigurationException {
    principals = Optional.of(PrincipalsFile.read(file, options.rates()));
  }

  /**
   * Decides on a call.
   *
   * @param method {@code package.Service/Method}, or {@link MethodRule#METRICS}
   * @param authorization the header of this name; null if there is none
   * @return who calls; or Unauthenticated, PermissionDenied or Exhausted, with what is missing: a {@link
   *     RefusedException} if it is known who is refused
   */
  public Future<Caller> admit(String method, String authorization, HttpConnection connection) {
    Optional<MethodRule> rule = MethodRule.of(method);
    if (rule.isEmpty()) {
      return Future.failedFuture(new PermissionDenied("nobody may call " + method));
    }
    if (isOpen(method, rule.get())) {
      return Future.succeededFuture(new Caller(new Principal("anonymous", EnumSet.noneOf(Role.class),
          Rates.UNLIMITED), 0));
    }
    return authenticate(authorization, connection).map(principal -> {
      if (!rule.get().roles().isEmpty() && principal.roles().stream().noneMatch(rule.get().roles()::contains)) {
        throw new RefusedException(principal, new PermissionDenied(principal.name()
            + " may not call " + method + ": that needs the role " + String.join(" or ", names(rule.get().roles()))
            + ", and it has " + (principal.roles().isEmpty() ? "none" : String.join(", ", names(principal.roles())))));
      }
      Caller caller = caller(principal);
      try {
        caller.chargeRequest();
      } catch (DomainException e) {
        throw new RefusedException(principal, e);
      }
      return caller;
    });
  }

  private static List<String> names(Set<Role> roles) {
    return roles.stream().sorted().map(Role::toString).toList();
  }

  private boolean isOpen(String method, MethodRule rule) {
    return rule.open()
        || method.equals(MethodRule.METRICS) && options.open().contains(Open.METRICS)
        || method.equals(MethodRule.REFLECTION) && options.open().contains(Open.REFLECTION);
  }

  private Future<Principal> authenticate(String authorization, HttpConnection connection) {
    if (!options.required()) {
      return Future.succeededFuture(anonymous);
    }
    if (authorization != null) {
      return withToken(authorization);
    }
    return commonName(connection).map(this::withCertificate)
        .orElseGet(() -> unauthenticated("this call needs credentials: " + accepted()));
  }

  private Future<Principal> withCertificate(String name) {
    Optional<Principal> known = principals.flatMap(file -> file.withCertificate(name));
    if (known.isEmpty() && Principal.isReserved(name)) {
      return unauthenticated("the certificate's common name is \"" + name + "\", which is what the server calls itself"
          + " or its workers; an operator can give it another in the file of principals (auth.principals)");
    }
    return Future.succeededFuture(known
        .orElseGet(() -> new Principal(name, options.certificateRoles(), options.rates())));
  }

  private Future<Principal> withToken(String authorization) {
    if (!authorization.toLowerCase(Locale.ROOT).startsWith(SCHEME)) {
      return unauthenticated("authorization: must be \"Bearer TOKEN\"");
    }
    String token = authorization.substring(SCHEME.length()).strip();
    Optional<Principal> known = principals.flatMap(file -> file.withToken(token));
    if (known.isPresent()) {
      return Future.succeededFuture(known.get());
    }
    return jwt.map(verifier -> verifier.verify(token))
        .orElseGet(() -> unauthenticated("the bearer token is not known"));
  }

  private String accepted() {
    boolean tokens = options.principals().isPresent() || options.jwt().isPresent();
    return tokens && options.clientCertificates() ? "a bearer token or a client certificate"
        : tokens ? "a bearer token (authorization: Bearer TOKEN)" : "a client certificate";
  }

  private static Future<Principal> unauthenticated(String reason) {
    return Future.failedFuture(new Unauthenticated(reason));
  }

  /** The name in the certificate that the client has shown, which TLS has checked. */
  private static Optional<String> commonName(HttpConnection connection) {
    SSLSession session = connection.sslSession();
    if (session == null) {
      return Optional.empty();
    }
    try {
      X509Certificate certificate = (X509Certificate) session.getPeerCertificates()[0];
      return new LdapName(certificate.getSubjectX500Principal().getName()).getRdns().stream()
          .filter(part -> part.getType().equalsIgnoreCase("CN"))
          .map(Rdn::getValue).map(Object::toString)
          .findFirst();
    } catch (SSLPeerUnverifiedException | InvalidNameException e) {
      return Optional.empty();
    }
  }

  private Caller caller(Principal principal) {
    long now = System.nanoTime();
    if (callers.size() > MOST_CALLERS) {
      callers.values().removeIf(caller -> caller.isIdle(now));
    }
    // Roles and rates may have changed since the last call; what was used up counts as long as they have not.
    return callers.compute(principal.name(), (name, last) ->
        last != null && last.principal().equals(principal) ? last : new Caller(principal, now));
  }
}
