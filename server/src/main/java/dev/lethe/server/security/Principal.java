package dev.lethe.server.security;

import java.util.Set;

/**
 * Who calls.
 *
 * @param name unique; the key of rate limits, and what the audit log tells
 * @param roles what it may do
 * @param rates how fast
 */
public record Principal(String name, Set<Role> roles, Rates rates) {

  public Principal {
    roles = Set.copyOf(roles);
  }
}
