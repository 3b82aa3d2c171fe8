package dev.sluice.rest;

import jakarta.ws.rs.ApplicationPath;
import jakarta.ws.rs.core.Application;

/** All JAX-RS resources of the hub live under {@code /api}; they are found by scanning. */
@ApplicationPath("/api")
public class ApiApplication extends Application {}
