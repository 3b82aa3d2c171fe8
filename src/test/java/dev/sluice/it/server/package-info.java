/** What the tested WAR has and the hub's has not. */
package dev.sluice.it.server;
