package dev.sluice.access;

import java.util.Set;

/**
 * Who calls. Set by the access filter as a request attribute of this class's name, and as the
 * request's principal; WebSocket sessions carry it as their user principal.
 *
 * @param name for people and audit
 * @param roles what it may do; {@code admin} may do everything
 */
public record Caller(String name, Set<String> roles) implements java.security.Principal {

  /** The role that may do everything. */
  public static final String ADMIN = "admin";

  /** Whether it holds the role or is the administrator. */
  public boolean has(String role) {
    return roles.contains(ADMIN) || roles.contains(role);
  }

  @Override
  public String getName() {
    return name;
  }
}
