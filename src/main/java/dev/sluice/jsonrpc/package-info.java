/**
 * The JSON-RPC 2.0 envelope as bytes: finds {@code id}, {@code method}, {@code result}, {@code
 * error} and the few inner paths that routing needs, splices what must change and keeps every other
 * byte as it came. JDK only.
 */
@NullMarked
package dev.sluice.jsonrpc;

import org.jspecify.annotations.NullMarked;
