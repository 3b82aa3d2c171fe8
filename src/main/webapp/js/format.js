// How times, numbers and identifiers look.

const TIME = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
  hour12: false,
});
const DATE_TIME = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const NUMBER = new Intl.NumberFormat();

export const number = (value) => NUMBER.format(value);

/** 14:03:07.250 */
export function time(iso) {
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? "" : TIME.format(at);
}

export function dateTime(iso) {
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? "" : DATE_TIME.format(at);
}

/** 4 s, 3 min, 5 h, 2 d: one unit is enough in a dense list. */
export function duration(seconds) {
  if (seconds < 0.95) {
    return `${Math.max(0, Math.round(seconds * 1000))} ms`;
  }
  if (seconds < 90) {
    return `${Math.round(seconds)} s`;
  }
  if (seconds < 90 * 60) {
    return `${Math.round(seconds / 60)} min`;
  }
  if (seconds < 36 * 3600) {
    return `${Math.round(seconds / 3600)} h`;
  }
  return `${Math.round(seconds / 86_400)} d`;
}

export const plural = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;

export const percent = (share) => `${Math.round(share * 1000) / 10} %`;

/** 1.2 KiB */
export function bytes(count) {
  if (count < 1024) {
    return `${count} B`;
  }
  const units = ["KiB", "MiB", "GiB"];
  let value = count;
  let unit = -1;
  do {
    value /= 1024;
    unit += 1;
  } while (value >= 1024 && unit < units.length - 1);
  return `${value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`;
}

/**
 * Indents JSON text without reading its values, so that 0.1000 and 64-bit integers show as they
 * were sent. What is not JSON comes back unchanged.
 */
export function prettyJson(text) {
  let out = "";
  let depth = 0;
  let opened = false;
  const line = () => `\n${"  ".repeat(depth)}`;
  for (const [part] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g)) {
    if (part === "}" || part === "]") {
      depth -= 1;
      out += opened ? part : line() + part;
      opened = false;
      continue;
    }
    if (opened) {
      out += line();
    }
    opened = part === "{" || part === "[";
    depth += opened ? 1 : 0;
    out += part === "," ? part + line() : part === ":" ? ": " : part;
  }
  return out === "" ? text : out;
}

/** Puts text on the clipboard; also where the asynchronous interface is not allowed. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "visually-hidden";
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}
