package dev.lethe.server.security;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.lethe.server.config.ConfigurationException;
import dev.lethe.server.config.Mistake;
import dev.lethe.models.files.Digests;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Principals in a YAML file, a list of
 *
 * <pre>
 * - name: alice
 *   roles: [generate, unlearn]     # of generate, unlearn, operate; none: may only look
 *   token-sha256: 9f86d0...        # of its bearer token, in hexadecimal
 *   certificate: alice.example     # or, instead: the common name of its certificate
 *   requests-per-second: 5         # instead of the server's own limits
 *   images-per-second: 100
 * </pre>
 *
 * <p>The hash has no salt, so that a token is found by it; therefore tokens must be random, and long.
 */
public final class PrincipalsFile {

  private static final Set<String> FIELDS = Set.of("name", "roles", "token-sha256", "certificate",
      "requests-per-second", "images-per-second");
  private static final Pattern SHA256 = Pattern.compile("[0-9a-fA-F]{64}");

  private final Path file;
  private final Rates rates;
  private final List<Mistake> mistakes = new ArrayList<>();
  private final Map<String, Principal> byToken = new HashMap<>();
  private final Map<String, Principal> byCertificate = new HashMap<>();

  private PrincipalsFile(Path file, Rates rates) {
    this.file = file;
    this.rates = rates;
  }

  /**
   * @param rates of principals that have none of their own
   * @throws ConfigurationException with all mistakes
   */
  public static PrincipalsFile read(Path file, Rates rates) throws ConfigurationException {
    PrincipalsFile principals = new PrincipalsFile(file, rates);
    principals.read();
    if (!principals.mistakes.isEmpty()) {
      throw new ConfigurationException(principals.mistakes);
    }
    return principals;
  }

  /** The one that shows this token. */
  Optional<Principal> withToken(String token) {
    return Optional.ofNullable(byToken.get(Digests.sha256(token.getBytes(StandardCharsets.UTF_8))));
  }

  /** The one whose certificate has this common name. */
  Optional<Principal> withCertificate(String commonName) {
    return Optional.ofNullable(byCertificate.get(commonName));
  }

  private void read() {
    JsonNode list;
    try {
      list = new YAMLMapper().readTree(Files.readAllBytes(file));
    } catch (JsonProcessingException e) {
      mistake(file.toString(), "is not valid YAML: " + e.getOriginalMessage().lines().findFirst().orElse(""));
      return;
    } catch (IOException e) {
      mistake(file.toString(), "cannot be read: " + e.getMessage());
      return;
    }
    if (!list.isArray()) {
      mistake(file.toString(), "must hold a list of principals, each of which starts with \"- name:\"");
      return;
    }
    Set<String> names = new HashSet<>();
    for (int i = 0; i < list.size(); i++) {
      JsonNode entry = list.get(i);
      String name = entry.path("name").asText();
      String where = file + ": " + (name.isBlank() ? "principal " + (i + 1) : name);
      if (!entry.isObject() || name.isBlank()) {
        mistake(where, "name is missing");
      } else if (Principal.isReserved(name)) {
        mistake(where, "is what the server calls itself or its workers in the history of jobs; choose another name");
      } else if (!names.add(name)) {
        mistake(where, "is there twice");
      } else {
        read(where, name, entry);
      }
    }
  }

  private void read(String where, String name, JsonNode entry) {
    entry.fieldNames().forEachRemaining(field -> {
      if (!FIELDS.contains(field)) {
        mistake(where, field + " is not known; there are " + FIELDS.stream().sorted().toList());
      }
    });
    Principal principal = new Principal(name, roles(where, entry.path("roles")),
        new Rates(rate(where, entry, "requests-per-second", rates.requests()),
            rate(where, entry, "images-per-second", rates.images())));
    String hash = entry.path("token-sha256").asText("");
    String certificate = entry.path("certificate").asText("");
    if (hash.isEmpty() && certificate.isEmpty()) {
      mistake(where, "has neither token-sha256 nor certificate, so it can never be recognized");
    }
    if (!hash.isEmpty()) {
      if (!SHA256.matcher(hash).matches()) {
        mistake(where, "token-sha256 must be 64 hexadecimal digits: printf %s TOKEN | sha256sum");
      } else if (byToken.putIfAbsent(hash.toLowerCase(Locale.ROOT), principal) != null) {
        mistake(where, "has the same token as another principal");
      }
    }
    if (!certificate.isEmpty() && byCertificate.putIfAbsent(certificate, principal) != null) {
      mistake(where, "has the same certificate as another principal");
    }
  }

  private Set<Role> roles(String where, JsonNode list) {
    Set<Role> roles = EnumSet.noneOf(Role.class);
    if (!list.isArray()) {
      mistake(where, "roles must be a list of " + List.of(Role.values()) + "; [] for none");
    }
    for (JsonNode item : list) {
      Optional<Role> role = role(item.asText());
      if (role.isEmpty()) {
        mistake(where, "there is no role \"" + item.asText() + "\"; there are " + List.of(Role.values()));
      }
      role.ifPresent(roles::add);
    }
    return roles;
  }

  /** The role of this name. */
  static Optional<Role> role(String name) {
    return List.of(Role.values()).stream().filter(role -> role.toString().equals(name)).findFirst();
  }

  private double rate(String where, JsonNode entry, String field, double otherwise) {
    JsonNode value = entry.path(field);
    if (value.isMissingNode()) {
      return otherwise;
    }
    if (!value.isNumber() || value.asDouble() < 0) {
      mistake(where, field + " must be a number of 0 (no limit) or more");
      return otherwise;
    }
    return value.asDouble();
  }

  private void mistake(String where, String message) {
    mistakes.add(new Mistake(where, message));
  }
}
