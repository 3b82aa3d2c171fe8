// What a server writes to its standard error, as it writes it: one SSE stream, no polling.

import { servers as api } from "../api.js";
import { fill, h, setText } from "../dom.js";
import { number, time } from "../format.js";
import { button, copyButton } from "../parts.js";

const MAX_LINES = 2000;

export function logView(id) {
  const lines = [];
  let run = null;
  let held = [];
  let paused = false;
  const list = h("ol", { class: "log", tabindex: "0", "aria-label": `Log of ${id}` });
  const status = h("span", { class: "faint", role: "status" }, "Connecting…");
  const text = h("input", { type: "search", placeholder: "Filter lines", "aria-label": "Filter lines", on: { input: refilter } });
  const level = h(
    "select",
    { "aria-label": "Level", on: { change: refilter } },
    h("option", { value: "" }, "All levels"),
    h("option", { value: "error" }, "Errors"),
    h("option", { value: "warning" }, "Warnings and errors"),
  );
  const pauseButton = button("Pause", { kind: "small", name: "paused", on: pause });
  const element = h(
    "div",
    {},
    h("div", { class: "filters" }, text, level, pauseButton, copyButton(() => lines.map((line) => line.content).join("\n"), "Copy all"), status),
    list,
  );

  const source = new EventSource(api.followUrl(id));
  source.addEventListener("open", () => setText(status, "Following"));
  source.addEventListener("error", () =>
    setText(status, source.readyState === EventSource.CLOSED ? "The hub ended the log stream." : "Reconnecting…"),
  );
  source.addEventListener("subscribed", (message) => {
    // Numbers begin anew with the hub; the browser resumes inside one run by the last id.
    const now = JSON.parse(message.data).from.split(":")[0];
    if (run !== null && run !== now) {
      take({ gap: true, content: "The log begins anew here: the hub was restarted or the server was added again." });
    }
    run = now;
  });
  source.addEventListener("message", (message) => take(JSON.parse(message.data)));
  source.addEventListener("warning", (message) => {
    const gap = JSON.parse(message.data);
    take({ gap: true, content: `${number(gap.dropped)} lines are missing here (${gap.reason})` });
  });

  function take(line) {
    if (paused) {
      held.push(line);
      held = held.slice(-MAX_LINES);
      setText(pauseButton.lastElementChild, `Resume (${number(held.length)})`);
    } else {
      append([line]);
    }
  }

  function append(fresh) {
    // Who has scrolled up is reading; who is at the end wants to see what comes.
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
    for (const line of fresh) {
      line.row = row(line);
      line.row.hidden = !wanted(line);
      lines.push(line);
      list.append(line.row);
    }
    while (lines.length > MAX_LINES) {
      lines.shift().row.remove();
    }
    if (atEnd) {
      list.scrollTop = list.scrollHeight;
    }
  }

  function pause() {
    paused = !paused;
    fill(pauseButton.lastElementChild, paused ? "Resume" : "Pause");
    if (!paused) {
      append(held);
      held = [];
    }
  }

  function wanted(line) {
    const levels = { error: ["error"], warning: ["error", "warning"] }[level.value];
    return (
      line.gap ||
      ((!levels || levels.includes(line.level)) && line.content.toLowerCase().includes(text.value.trim().toLowerCase()))
    );
  }

  function refilter() {
    for (const line of lines) {
      line.row.hidden = !wanted(line);
    }
  }

  return { element, dispose: () => source.close() };
}

function row(line) {
  if (line.gap) {
    return h("li", { class: "gap-line" }, line.content);
  }
  return h(
    "li",
    { data: { level: line.level, seq: String(line.seq) } },
    h("time", { datetime: line.recorded_at, title: line.recorded_at }, time(line.recorded_at)),
    h("span", { class: "log-text" }, line.content),
  );
}
