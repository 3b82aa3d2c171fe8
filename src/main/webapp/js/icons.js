// Icons are drawn here: nothing is fetched, and each state has a shape of its own beside its colour.

import { s } from "./dom.js";

const LINE = {
  fill: "none",
  stroke: "currentColor",
  "stroke-width": "1.6",
  "stroke-linecap": "round",
  "stroke-linejoin": "round",
};

const PATHS = {
  ready: [["circle", { cx: 8, cy: 8, r: 6.2, fill: "currentColor" }], ["path", { d: "M5.2 8.2l1.9 1.9 3.7-4", ...LINE, stroke: "var(--surface)" }]],
  initializing: [["path", { d: "M8 2a6 6 0 1 1-5.2 3", ...LINE, "stroke-width": "2" }]],
  cold: [["circle", { cx: 8, cy: 8, r: 5.6, ...LINE, "stroke-dasharray": "2.2 2.2" }]],
  degraded: [["path", { d: "M8 1.8l6.6 11.7H1.4z", fill: "currentColor" }], ["path", { d: "M8 6v3.4M8 11.6v.1", ...LINE, stroke: "var(--surface)" }]],
  dead: [["rect", { x: 2, y: 2, width: 12, height: 12, rx: 2, fill: "currentColor" }], ["path", { d: "M5.4 5.4l5.2 5.2M10.6 5.4l-5.2 5.2", ...LINE, stroke: "var(--surface)" }]],
  blocked: [["circle", { cx: 8, cy: 8, r: 5.8, ...LINE }], ["path", { d: "M4 12l8-8", ...LINE }]],
  live: [["circle", { cx: 8, cy: 8, r: 4, fill: "currentColor" }]],
  waiting: [["path", { d: "M8 4v4l2.6 2M8 1.8a6.2 6.2 0 1 0 .01 0", ...LINE }]],
  replaying: [["path", { d: "M3 3v4h4M3.4 7a5.4 5.4 0 1 1-.6 3", ...LINE }]],
  paused: [["path", { d: "M5.5 3.5v9M10.5 3.5v9", ...LINE, "stroke-width": "2.2" }]],
  play: [["path", { d: "M5 3l8 5-8 5z", fill: "currentColor" }]],
  stop: [["rect", { x: 4, y: 4, width: 8, height: 8, rx: 1, fill: "currentColor" }]],
  plus: [["path", { d: "M8 3v10M3 8h10", ...LINE }]],
  copy: [["rect", { x: 5.5, y: 5.5, width: 8, height: 8, rx: 1.5, ...LINE }], ["path", { d: "M10.5 3H4a1.5 1.5 0 0 0-1.5 1.5V11", ...LINE }]],
  trash: [["path", { d: "M3 4.5h10M6.5 4V2.5h3V4M4.5 4.5l.6 9h5.8l.6-9", ...LINE }]],
  back: [["path", { d: "M9.5 3.5L5 8l4.5 4.5", ...LINE }]],
  gap: [["path", { d: "M2 8h2.5M11.5 8H14M6 4.5v7M10 4.5v7", ...LINE }]],
  light: [["circle", { cx: 8, cy: 8, r: 3, ...LINE }], ["path", { d: "M8 1.5v1.5M8 13v1.5M1.5 8H3M13 8h1.5M3.4 3.4l1 1M11.6 11.6l1 1M12.6 3.4l-1 1M4.4 11.6l-1 1", ...LINE }]],
  dark: [["path", { d: "M13 9.5A5.5 5.5 0 0 1 6.5 3 5.5 5.5 0 1 0 13 9.5z", ...LINE }]],
  auto: [["circle", { cx: 8, cy: 8, r: 5.8, ...LINE }], ["path", { d: "M8 2.2a5.8 5.8 0 0 1 0 11.6z", fill: "currentColor" }]],
};

/** A 16×16 icon; decorative, the text beside it says the same. */
export function icon(name) {
  const parts = PATHS[name] ?? PATHS.cold;
  const svg = s("svg", {
    viewBox: "0 0 16 16",
    width: 16,
    height: 16,
    class: `icon icon-${name}`,
    "aria-hidden": "true",
    focusable: "false",
  });
  svg.append(...parts.map(([tag, attributes]) => s(tag, attributes)));
  return svg;
}
