package dev.lethe.server.security;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;

/**
 * Who may do what.
 *
 * @param principals file of principals with tokens or certificates
 * @param jwt tokens that another party issues
 * @param certificateRoles of clients whose certificate was checked, and that the file does not name
 * @param clientCertificates whether clients are asked for certificates
 * @param open what is answered without credentials
 * @param rates of principals that the file gives none
 * @param reload how often files are looked at for changes
 */
public record AccessOptions(Optional<Path> principals, Optional<Jwt> jwt, Set<Role> certificateRoles,
    boolean clientCertificates, Set<Open> open, Rates rates, Duration reload) {

  /** What can be opened to everyone, beside health. */
  public enum Open { METRICS, REFLECTION }

  /**
   * @param keys JWK set: a file, or an http or https URL
   * @param issuer what the claim {@code iss} must be
   * @param audience what the claim {@code aud} must hold
   * @param rolesClaim the claim that names roles: a list, or a text with blanks between
   * @param refresh how often the set is fetched anew
   */
  public record Jwt(String keys, String issuer, String audience, String rolesClaim, Duration refresh) {}

  /** False: everyone may do everything, but for the latents that are closed to clients. */
  public boolean required() {
    return principals.isPresent() || jwt.isPresent() || clientCertificates;
  }
}
