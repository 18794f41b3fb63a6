package dev.lethe.server;

import dev.lethe.server.config.Configuration;
import dev.lethe.server.config.ConfigurationException;
import dev.lethe.server.config.Mistake;
import dev.lethe.server.config.Setting;
import dev.lethe.server.config.ValueType;
import dev.lethe.server.http.Origins;
import dev.lethe.server.security.AccessOptions;
import dev.lethe.server.security.AccessOptions.Jwt;
import dev.lethe.server.security.AccessOptions.Open;
import dev.lethe.server.security.PrincipalsFile;
import dev.lethe.server.security.Rates;
import dev.lethe.server.security.Role;
import dev.lethe.server.security.TlsOptions;
import dev.lethe.server.security.TlsOptions.ClientCertificates;
import java.net.InetAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/** The settings that decide who reaches the server and what they may do. */
final class SecuritySettings {

  static final Setting<Path> TLS_CERTIFICATE = new Setting<>("tls.certificate", "FILE", null,
      ValueType.of(SecuritySettings::file), "The server's certificate and those between it and its authority, in PEM;"
          + " with it, the port speaks TLS. Changed files are taken over without a restart.");
  static final Setting<Path> TLS_KEY = new Setting<>("tls.key", "FILE", null, ValueType.of(SecuritySettings::file),
      "The certificate's private key, in PEM (PKCS #8, or PKCS #1 for RSA).");
  static final Setting<Path> TLS_CLIENT_CA = new Setting<>("tls.client-ca", "FILE", null,
      ValueType.of(SecuritySettings::file), "Authorities of the certificates that clients show, in PEM (mutual TLS).");
  static final Setting<ClientCertificates> TLS_CLIENT_CERTIFICATES = new Setting<>("tls.client-certificates", "WHICH",
      "required", ValueType.oneOf(ClientCertificates.class), "With tls.client-ca: required, or optional for clients"
          + " that show a token instead, or ask for no more than health.");
  static final Setting<Integer> TLS_RELOAD = new Setting<>("tls.reload", "SECONDS", "10", ValueType.integer(1, 86_400),
      "How often the files of TLS are looked at for changes.");
  static final Setting<Path> AUTH_PRINCIPALS = new Setting<>("auth.principals", "FILE", null,
      ValueType.of(SecuritySettings::file), "YAML file of principals, with their roles and the hashes of their tokens;"
          + " changes are taken over without a restart.");
  static final Setting<Set<Role>> AUTH_CERTIFICATE_ROLES = new Setting<>("auth.certificate-roles", "ROLES", "",
      ValueType.setOf(Role.class), "Of clients with a certificate of tls.client-ca that auth.principals does not name:"
          + " generate, unlearn, operate, latents, with commas between.");
  static final Setting<Set<Open>> AUTH_OPEN = new Setting<>("auth.open", "WHAT", "", ValueType.setOf(Open.class),
      "What is answered without credentials, beside health: metrics, reflection, with a comma between.");
  static final Setting<String> JWT_KEYS = new Setting<>("jwt.keys", "FILE|URL", null,
      ValueType.of(SecuritySettings::fileOrUrl), "Public keys (JWK set) of the tokens that another party issues.");
  static final Setting<String> JWT_ISSUER = new Setting<>("jwt.issuer", "TEXT", null, ValueType.text(),
      "What a token's claim iss must be.");
  static final Setting<String> JWT_AUDIENCE = new Setting<>("jwt.audience", "TEXT", null, ValueType.text(),
      "What a token's claim aud must hold.");
  static final Setting<String> JWT_ROLES_CLAIM = new Setting<>("jwt.roles-claim", "NAME", "roles", ValueType.text(),
      "The claim that names roles, as a list or a text with blanks between.");
  static final Setting<Integer> JWT_REFRESH = new Setting<>("jwt.refresh", "SECONDS", "300",
      ValueType.integer(1, 86_400), "How often the keys are fetched; also when a token names a new one.");
  static final Setting<Set<String>> CORS_ORIGINS = new Setting<>("cors.origins", "ORIGINS", "",
      ValueType.of(SecuritySettings::origins),
          "Whose pages browsers may let ask this server, beside its own: origins such"
          + " as https://example.org, with commas between, or * for all.");
  static final Setting<Double> RATE_REQUESTS = new Setting<>("rate.requests", "N", "0", ValueType.number(0, 1e9),
      "Calls a second of one principal, 0 for any number; auth.principals may say otherwise for one.");
  static final Setting<Double> RATE_IMAGES = new Setting<>("rate.images", "N", "0", ValueType.number(0, 1e9),
      "Images a second of one principal, 0 for any number: Generate is refused, GenerateStream slowed down.");

  static final List<Setting<?>> ALL = List.of(TLS_CERTIFICATE, TLS_KEY, TLS_CLIENT_CA, TLS_CLIENT_CERTIFICATES,
      TLS_RELOAD, AUTH_PRINCIPALS, AUTH_CERTIFICATE_ROLES, AUTH_OPEN, JWT_KEYS, JWT_ISSUER, JWT_AUDIENCE,
      JWT_ROLES_CLAIM, JWT_REFRESH, CORS_ORIGINS, RATE_REQUESTS, RATE_IMAGES);

  private SecuritySettings() {}

  static Optional<TlsOptions> tls(Configuration settings) {
    return settings.find(TLS_CERTIFICATE).map(certificate -> new TlsOptions(certificate, settings.get(TLS_KEY),
        settings.find(TLS_CLIENT_CA), settings.get(TLS_CLIENT_CERTIFICATES),
        Duration.ofSeconds(settings.get(TLS_RELOAD))));
  }

  static AccessOptions access(Configuration settings) {
    Optional<Jwt> jwt = settings.find(JWT_KEYS).map(keys -> new Jwt(keys, settings.get(JWT_ISSUER),
        settings.get(JWT_AUDIENCE), settings.get(JWT_ROLES_CLAIM), Duration.ofSeconds(settings.get(JWT_REFRESH))));
    return new AccessOptions(settings.find(AUTH_PRINCIPALS), jwt,
        settings.find(AUTH_CERTIFICATE_ROLES).orElse(Set.of()),
        settings.find(TLS_CLIENT_CA).isPresent(), settings.find(AUTH_OPEN).orElse(Set.of()), rates(settings),
        Duration.ofSeconds(settings.get(TLS_RELOAD)));
  }

  private static Rates rates(Configuration settings) {
    return new Rates(settings.find(RATE_REQUESTS).orElse(0.0), settings.find(RATE_IMAGES).orElse(0.0));
  }

  /** Whether clients have to say who they are; also if how they do has mistakes. */
  static boolean authenticates(Configuration settings) {
    return Stream.of(AUTH_PRINCIPALS, JWT_KEYS, TLS_CLIENT_CA)
        .anyMatch(way -> settings.find(way).isPresent() || !settings.isSound(way));
  }

  /** Adds what does not go together. */
  static void check(Configuration settings, List<Mistake> mistakes) {
    together(settings, mistakes, JWT_KEYS, JWT_ISSUER);
    together(settings, mistakes, JWT_KEYS, JWT_AUDIENCE);
    together(settings, mistakes, JWT_ISSUER, JWT_KEYS);
    together(settings, mistakes, JWT_AUDIENCE, JWT_KEYS);
    boolean noRoles = settings.find(AUTH_CERTIFICATE_ROLES).orElse(Set.of()).isEmpty();
    if (!noRoles) {
      together(settings, mistakes, AUTH_CERTIFICATE_ROLES, TLS_CLIENT_CA);
    } else if (settings.find(TLS_CLIENT_CA).isPresent() && settings.isSound(AUTH_CERTIFICATE_ROLES)
        && settings.find(AUTH_PRINCIPALS).isEmpty() && settings.find(JWT_KEYS).isEmpty()) {
      mistakes.add(new Mistake(settings.where(TLS_CLIENT_CA),
          "clients show certificates, and nothing says what they may"
          + " do: set " + AUTH_CERTIFICATE_ROLES.key() + " or " + AUTH_PRINCIPALS.key()));
    }
    settings.find(AUTH_PRINCIPALS).ifPresent(file -> {
      try {
        PrincipalsFile.read(file, rates(settings));
      } catch (ConfigurationException e) {
        mistakes.addAll(e.mistakes());
      }
    });
    together(settings, mistakes, TLS_CERTIFICATE, TLS_KEY);
    together(settings, mistakes, TLS_KEY, TLS_CERTIFICATE);
    together(settings, mistakes, TLS_CLIENT_CA, TLS_CERTIFICATE);
  }

  /** One setting means nothing without another. */
  private static void together(Configuration settings, List<Mistake> mistakes, Setting<?> given, Setting<?> needed) {
    if (settings.find(given).isPresent() && settings.find(needed).isEmpty() && settings.isSound(needed)) {
      mistakes.add(new Mistake(settings.where(given), given.key() + " needs " + needed.key() + " beside it"));
    }
  }

  private static Set<String> origins(String text) {
    Set<String> origins = new TreeSet<>();
    for (String part : text.isBlank() ? new String[0] : text.split(",")) {
      String origin = part.strip().toLowerCase(Locale.ROOT);
      if (!origin.equals(Origins.ANY) && !origin.matches("https?://[^/?#@\\s]+")) {
        throw new IllegalArgumentException("must be origins such as https://example.org, scheme and name without a "
            + "path, or"
            + " *");
      }
      origins.add(origin);
    }
    return origins;
  }

  private static String fileOrUrl(String text) {
    if (text.startsWith("https://") || text.startsWith("http://")) {
      try {
        URI url = new URI(text);
        // What comes over the network unprotected could be anybody's keys.
        if (url.getScheme().equals("https") || InetAddress.getByName(url.getHost()).isLoopbackAddress()) {
          return text;
        }
      } catch (URISyntaxException | UnknownHostException e) {
        // Said below.
      }
    } else if (Files.isReadable(Path.of(text))) {
      return text;
    }
    throw new IllegalArgumentException("must be a file that can be read, an https URL, or an http URL of this machine");
  }

  private static Path file(String text) {
    Path path = Path.of(text);
    if (!Files.isReadable(path) || Files.isDirectory(path)) {
      throw new IllegalArgumentException("must be a file that can be read");
    }
    return path;
  }
}
