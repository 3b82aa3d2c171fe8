package dev.sluice.events;

/**
 * A JSON value that is already text and is written into an event as it stands.
 *
 * @param text one complete, valid JSON value; the maker vouches for it
 */
public record RawJson(String text) {}
