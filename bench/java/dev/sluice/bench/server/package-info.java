/**
 * What the bench WAR holds beside the hub's own, unchanged classes: bare endpoints to compare with
 * and a servlet that publishes on demand. Never part of the hub's WAR.
 */
package dev.sluice.bench.server;
