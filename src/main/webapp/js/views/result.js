// The answer of a tool: text, images, sound, resources, structured content, and the raw JSON.

import { h } from "../dom.js";
import { bytes, duration, prettyJson } from "../format.js";
import { copyButton } from "../parts.js";

// Formatting a larger text would hold up the page; it is then shown as it came.
const MAX_PRETTY = 1_000_000;
const MAX_SHOWN = 200_000;

export function resultView({ json, text }, millis) {
  const result = json ?? {};
  const content = Array.isArray(result.content) ? result.content : [];
  const failed = result.isError === true;
  const raw = text.length > MAX_PRETTY ? text : prettyJson(text);
  return h(
    "section",
    { class: `result ${failed ? "failed" : ""}`, "aria-label": "Result" },
    h(
      "div",
      { class: "card-head" },
      h("h3", {}, failed ? "The tool reports an error" : "Result"),
      h("span", { class: "faint" }, `${duration(millis / 1000)} · ${bytes(text.length)}`),
      copyButton(raw, "Copy JSON"),
    ),
    content.map(part),
    content.length === 0 && result.structuredContent === undefined && h("p", { class: "faint" }, "The answer is empty."),
    result.structuredContent !== undefined && [h("h4", {}, "Structured content"), block(JSON.stringify(result.structuredContent, null, 2))],
    h("details", {}, h("summary", {}, "Raw answer"), block(raw)),
  );
}

function part(item) {
  const inner = kinds[item.type] ?? ((other) => block(JSON.stringify(other, null, 2)));
  return h("div", { class: "part" }, inner(item));
}

const kinds = {
  text: (item) => block(looksLikeJson(item.text) ? prettyJson(item.text) : item.text),
  image: (item) =>
    h("figure", {}, h("img", { src: dataUrl(item), alt: `Image from the tool, ${item.mimeType}` }), h("figcaption", { class: "faint" }, item.mimeType)),
  audio: (item) => h("a", { href: dataUrl(item), download: "audio" }, `Download the sound (${item.mimeType})`),
  resource: (item) => {
    const resource = item.resource ?? {};
    return [
      h("p", {}, h("code", {}, resource.uri ?? "resource"), " ", h("span", { class: "faint" }, resource.mimeType ?? "")),
      resource.text === undefined
        ? h("a", { href: dataUrl({ mimeType: resource.mimeType ?? "application/octet-stream", data: resource.blob ?? "" }), download: "resource" }, "Download")
        : block(resource.text),
    ];
  },
  resource_link: (item) => h("p", {}, h("strong", {}, item.name ?? "Resource"), " ", h("code", {}, item.uri), item.description && h("span", { class: "faint" }, ` ${item.description}`)),
};

function dataUrl(item) {
  return `data:${item.mimeType};base64,${item.data}`;
}

function looksLikeJson(text) {
  if (text.length > MAX_PRETTY || !/^\s*[{[]/.test(text)) {
    return false;
  }
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function block(text) {
  const cut = text.length > MAX_SHOWN;
  return [
    h("pre", { tabindex: "0" }, cut ? text.slice(0, MAX_SHOWN) : text),
    cut && h("p", { class: "row-line" }, `The first ${bytes(MAX_SHOWN)} of ${bytes(text.length)}.`, copyButton(text, "Copy all")),
  ];
}
