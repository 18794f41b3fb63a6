package dev.lethe.server;

import dev.lethe.server.config.Configuration;
import dev.lethe.server.config.Mistake;
import dev.lethe.server.config.Setting;
import dev.lethe.server.config.ValueType;
import dev.lethe.server.security.TlsOptions;
import dev.lethe.server.security.TlsOptions.ClientCertificates;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

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

  static final List<Setting<?>> ALL =
      List.of(TLS_CERTIFICATE, TLS_KEY, TLS_CLIENT_CA, TLS_CLIENT_CERTIFICATES, TLS_RELOAD);

  private SecuritySettings() {}

  static Optional<TlsOptions> tls(Configuration settings) {
    return settings.find(TLS_CERTIFICATE).map(certificate -> new TlsOptions(certificate, settings.get(TLS_KEY),
        settings.find(TLS_CLIENT_CA), settings.get(TLS_CLIENT_CERTIFICATES),
        Duration.ofSeconds(settings.get(TLS_RELOAD))));
  }

  /** Adds what does not go together. */
  static void check(Configuration settings, List<Mistake> mistakes) {
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

  private static Path file(String text) {
    Path path = Path.of(text);
    if (!Files.isReadable(path) || Files.isDirectory(path)) {
      throw new IllegalArgumentException("must be a file that can be read");
    }
    return path;
  }
}
