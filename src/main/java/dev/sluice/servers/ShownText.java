package dev.sluice.servers;

/**
 * Text of a client's own making, fit for events: of bounded length, and without characters that
 * move a terminal's cursor or turn the direction of what is written beside them.
 */
final class ShownText {

  private static final int REPLACEMENT = 0xFFFD;
  private static final int ZERO_WIDTH_NON_JOINER = 0x200C;
  private static final int ZERO_WIDTH_JOINER = 0x200D;

  private ShownText() {}

  /**
   * The text, cut after so many characters (code points), with replacements for those that cannot
   * be shown.
   */
  static String of(String text, int max) {
    if (text.length() <= max && text.chars().allMatch(c -> c >= ' ' && c <= '~')) {
      return text; // nearly always
    }
    StringBuilder shown = new StringBuilder();
    text.codePoints()
        .limit(max)
        .map(c -> isShown(c) ? c : REPLACEMENT)
        .forEach(shown::appendCodePoint);
    return text.codePoints().limit(max + 1L).count() > max
        ? shown.append('…').toString()
        : shown.toString();
  }

  private static boolean isShown(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.SURROGATE,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      case Character.FORMAT -> c == ZERO_WIDTH_JOINER || c == ZERO_WIDTH_NON_JOINER;
      default -> true;
    };
  }
}
