package dev.lethe.server.security;

import java.util.Locale;
import java.util.Set;

/**
 * Who calls.
 *
 * @param name unique; the key of rate limits, and what the audit log tells
 * @param roles what it may do
 * @param rates how fast
 */
public record Principal(String name, Set<Role> roles, Rates rates) {

  /** What the server calls itself and its workers in the history of jobs and versions. */
  private static final Set<String> RESERVED = Set.of("server", "worker");

  public Principal {
    roles = Set.copyOf(roles);
  }

  /** Whether what a client has submitted is this one's business: its own, or an operator's. */
  public boolean concerns(String submitter) {
    return roles.contains(Role.OPERATE) || name.equals(submitter);
  }

  /** Whether nobody may be called so, since what it orders would pass for what the server does by itself. */
  static boolean isReserved(String name) {
    return RESERVED.contains(name.strip().toLowerCase(Locale.ROOT));
  }
}
