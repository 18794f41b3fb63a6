package dev.lethe.server.security;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * TLS, and mutual TLS.
 *
 * @param certificate PEM file: the server's certificate, and those between it and its authority
 * @param key PEM file: the private key of the certificate
 * @param clientCa PEM file: the authorities whose certificates clients may show; empty: clients are not asked for one
 * @param clients whether a client must show one
 * @param reload how often the files are looked at for changes
 */
public record TlsOptions(Path certificate, Path key, Optional<Path> clientCa, ClientCertificates clients,
    Duration reload) {

  /** What becomes of a client that shows no certificate. */
  public enum ClientCertificates { REQUIRED, OPTIONAL }

  List<Path> files() {
    List<Path> files = new ArrayList<>(List.of(certificate, key));
    clientCa.ifPresent(files::add);
    return files;
  }
}
