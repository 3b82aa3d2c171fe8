package dev.sluice.servers;

/**
 * A servers file, a discovery fragment or a request body that cannot be used; nothing was changed.
 */
final class InvalidDefinition extends Exception {

  private final String errorType;
  private final LocatedJson.Position position;
  private final String field;

  /**
   * Makes the failure.
   *
   * @param errorType {@code syntax}, {@code encoding}, {@code size}, {@code unreadable} or {@code
   *     value}
   * @param message names the field, the problem and the legal values
   * @param position where; {@link LocatedJson.Position#UNKNOWN} if not known
   */
  InvalidDefinition(String errorType, String message, LocatedJson.Position position) {
    this(errorType, message, position, "");
  }

  /** One that is about a field. */
  InvalidDefinition(String errorType, String message, LocatedJson.Position position, String field) {
    super(message);
    this.errorType = errorType;
    this.position = position;
    this.field = field;
  }

  /** The path of the field, its parts divided by {@code /}; empty if it is about the whole. */
  String field() {
    return field;
  }

  String errorType() {
    return errorType;
  }

  /** The message without its place. */
  String problem() {
    return String.valueOf(getMessage());
  }

  LocatedJson.Position position() {
    return position;
  }

  /** The message with its place, where that is known. */
  String described() {
    return position.line() == 0
        ? problem()
        : problem() + " (line " + position.line() + ", column " + position.column() + ")";
  }
}
