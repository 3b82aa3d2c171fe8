// A form made of a tool's input schema. Each field gives JSON *text*, not a value: a 64-bit integer
// or 0.1000 reaches the tool with every digit that was typed.

import { fill, freshId, h, setText } from "./dom.js";
import { button } from "./parts.js";

const MAX_DEPTH = 6;
const LONG_TEXT = /^(text|content|body|message|query|code|prompt|sql|input|script|description|markdown|html)$/i;

/** Thrown by `read` when fields are wrong; each field then says what. */
export class FormError extends Error {}

/**
 * Makes the form.
 *
 * @param schema the tool's `inputSchema`
 * @param initial values to begin with, instead of the schema's defaults
 * @returns {element, read}: `read()` gives the JSON text of the arguments or throws FormError
 */
export function schemaForm(schema, initial) {
  const root = schema ?? { type: "object" };
  const top = make(root, { name: "", required: true, root, depth: 0, initial, top: true });
  return {
    element: top.element,
    read() {
      const trouble = [];
      const text = top.read(trouble);
      if (trouble.length > 0) {
        trouble[0].focus();
        throw new FormError(trouble.length === 1 ? "One field needs a change." : `${trouble.length} fields need a change.`);
      }
      return text ?? "{}";
    },
  };
}

function make(schemaOrRef, at) {
  const schema = resolve(schemaOrRef, at.root);
  const given = at.initial === undefined ? schema.default : at.initial;
  const next = { ...at, initial: given };
  const type = typeOf(schema);
  if (at.depth > MAX_DEPTH) {
    return rawField(schema, next);
  }
  if (schema.const !== undefined || Array.isArray(schema.enum)) {
    return choiceField(schema, schema.enum ?? [schema.const], next);
  }
  switch (type) {
    case "object":
      return schema.properties || at.top ? objectField(schema, next) : rawField(schema, next);
    case "array":
      return schema.prefixItems || !schema.items ? rawField(schema, next) : arrayField(schema, next);
    case "boolean":
      return at.required
        ? checkField(schema, next)
        : choiceField(schema, [true, false], next);
    case "integer":
    case "number":
      return numberField(schema, type, next);
    case "string":
      return textField(schema, next);
    default:
      return rawField(schema, next);
  }
}

/** Follows references inside the schema, and an `anyOf` that only says "or null". */
function resolve(schema, root, hops = 0) {
  if (typeof schema?.$ref === "string" && schema.$ref.startsWith("#") && hops < 16) {
    const target = schema.$ref
      .slice(1)
      .split("/")
      .filter(Boolean)
      .map((part) => decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~"))
      .reduce((found, part) => found?.[part], root);
    return { ...resolve(target ?? {}, root, hops + 1), ...rest(schema) };
  }
  const options = schema?.anyOf ?? schema?.oneOf;
  if (Array.isArray(options) && hops < 16) {
    const real = options.filter((option) => option.type !== "null");
    if (real.length === 1) {
      return { ...resolve(real[0], root, hops + 1), ...rest(schema) };
    }
  }
  return schema && typeof schema === "object" ? schema : {};
}

function rest({ $ref, anyOf, oneOf, ...others }) {
  return others;
}

function typeOf(schema) {
  if (schema.anyOf || schema.oneOf || schema.allOf) {
    return "any";
  }
  const types = [schema.type ?? (schema.properties ? "object" : "any")].flat().filter((type) => type !== "null");
  return types.length === 1 ? types[0] : "any";
}

/** The frame of a field: label, description, place for what is wrong. */
function framed(schema, at, input, hints) {
  const id = freshId("arg");
  input.id = id;
  const error = h("p", { class: "field-error", id: `${id}-error` });
  const texts = [schema.description, ...hints].filter(Boolean).join(" · ");
  const hint = texts ? h("p", { class: "hint", id: `${id}-hint` }, texts) : null;
  input.setAttribute("aria-describedby", `${id}-error${hint ? ` ${id}-hint` : ""}`);
  if (at.required && !at.item) {
    input.setAttribute("aria-required", "true");
  }
  const element = h(
    "div",
    { class: "field", data: { field: at.name } },
    h("label", { for: id }, label(schema, at), at.required && !at.item && h("span", { class: "needed" }, " required")),
    input,
    hint,
    error,
  );
  return {
    element,
    fail(message, trouble) {
      setText(error, message);
      input.setAttribute("aria-invalid", "true");
      trouble.push(input);
    },
    fine() {
      setText(error, "");
      input.removeAttribute("aria-invalid");
    },
  };
}

const label = (schema, at) => at.label ?? schema.title ?? (at.name || "Arguments");

function textField(schema, at) {
  const long = LONG_TEXT.test(at.name) || (schema.maxLength ?? 0) > 200;
  const input = long
    ? h("textarea", { rows: 2, spellcheck: "false" })
    : h("input", { type: "text", autocomplete: "off", spellcheck: "false" });
  input.value = typeof at.initial === "string" ? at.initial : "";
  const hints = [
    schema.format,
    schema.minLength && `at least ${schema.minLength} characters`,
    schema.maxLength && `at most ${schema.maxLength} characters`,
    schema.pattern && `matches ${schema.pattern}`,
    example(schema),
  ];
  const frame = framed(schema, at, input, hints);
  return {
    element: frame.element,
    read(trouble) {
      const { value } = input;
      frame.fine();
      if (value === "") {
        if (at.required && (schema.minLength ?? 1) > 0) {
          frame.fail("Fill this in; an empty text can be sent in the JSON form.", trouble);
        }
        return undefined;
      }
      const length = [...value].length;
      if (length < (schema.minLength ?? 0) || length > (schema.maxLength ?? Infinity)) {
        frame.fail(`Has ${length} characters.`, trouble);
      } else if (schema.pattern && !matches(schema.pattern, value)) {
        frame.fail(`Must match ${schema.pattern}`, trouble);
      }
      return JSON.stringify(value);
    },
  };
}

function matches(pattern, value) {
  try {
    return new RegExp(pattern, "u").test(value);
  } catch {
    // A pattern that this browser cannot read is left to the server.
    return true;
  }
}

const example = (schema) => (schema.examples?.length > 0 ? `for example ${JSON.stringify(schema.examples[0])}` : "");

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
const INTEGER = /^-?(0|[1-9]\d*)$/;

function numberField(schema, type, at) {
  const input = h("input", { type: "text", inputmode: type === "integer" ? "numeric" : "decimal", autocomplete: "off" });
  input.value = at.initial === undefined || at.initial === null ? "" : String(at.initial);
  const hints = [
    type === "integer" ? "whole number" : "number",
    bound(schema.minimum, "from"),
    bound(schema.exclusiveMinimum, "above"),
    bound(schema.maximum, "to"),
    bound(schema.exclusiveMaximum, "below"),
    example(schema),
  ];
  const frame = framed(schema, at, input, hints);
  return {
    element: frame.element,
    read(trouble) {
      const text = input.value.trim();
      frame.fine();
      if (text === "") {
        if (at.required) {
          frame.fail("Fill this in.", trouble);
        }
        return undefined;
      }
      const value = Number(text);
      if (!(type === "integer" ? INTEGER : NUMBER).test(text)) {
        frame.fail(type === "integer" ? "Must be a whole number." : "Must be a number, for example -1.5", trouble);
      } else if (value < (schema.minimum ?? -Infinity) || value <= (schema.exclusiveMinimum ?? -Infinity)) {
        frame.fail(`Is too small: ${hints.filter(Boolean).join(", ")}`, trouble);
      } else if (value > (schema.maximum ?? Infinity) || value >= (schema.exclusiveMaximum ?? Infinity)) {
        frame.fail(`Is too large: ${hints.filter(Boolean).join(", ")}`, trouble);
      }
      return text;
    },
  };
}

const bound = (value, word) => (typeof value === "number" ? `${word} ${value}` : "");

function checkField(schema, at) {
  const input = h("input", { type: "checkbox" });
  input.checked = at.initial === true;
  const id = freshId("arg");
  input.id = id;
  const element = h(
    "div",
    { class: "field", data: { field: at.name } },
    h("label", { class: "check", for: id }, input, label(schema, at)),
    schema.description && h("p", { class: "hint" }, schema.description),
  );
  return { element, read: () => String(input.checked) };
}

function choiceField(schema, options, at) {
  const texts = options.map((option) => JSON.stringify(option));
  const names = schema.enumNames ?? [];
  const input = h(
    "select",
    {},
    (!at.required || at.initial === undefined) && h("option", { value: "" }, at.required ? "Choose…" : "not set"),
    options.map((option, index) => h("option", { value: texts[index] }, names[index] ?? String(option))),
  );
  if (at.initial !== undefined) {
    input.value = JSON.stringify(at.initial);
  }
  const frame = framed(schema, at, input, []);
  return {
    element: frame.element,
    read(trouble) {
      frame.fine();
      if (input.value === "") {
        if (at.required) {
          frame.fail("Choose one.", trouble);
        }
        return undefined;
      }
      return input.value;
    },
  };
}

function objectField(schema, at) {
  const needed = new Set(schema.required ?? []);
  const values = at.initial !== null && typeof at.initial === "object" ? at.initial : {};
  const fields = Object.entries(schema.properties ?? {}).map(([name, property]) => ({
    name,
    field: make(property, { name, required: needed.has(name), root: at.root, depth: at.depth + 1, initial: values[name] }),
  }));
  const inner = fields.map(({ field }) => field.element);
  const element = at.top
    ? h("div", { class: "fields" }, inner.length > 0 ? inner : h("p", { class: "faint" }, "This tool takes no arguments."))
    : h(
        "fieldset",
        { data: { field: at.name } },
        h("legend", {}, label(schema, at), at.required && !at.item && h("span", { class: "needed" }, " required")),
        schema.description && h("p", { class: "hint" }, schema.description),
        inner,
      );
  return {
    element,
    read(trouble) {
      const mine = [];
      const parts = fields
        .map(({ name, field }) => [name, field.read(mine)])
        .filter(([, text]) => text !== undefined)
        .map(([name, text]) => `${JSON.stringify(name)}:${text}`);
      // An optional object nobody touched is left out, with the complaints of its required parts.
      if (parts.length === 0 && !at.required) {
        return undefined;
      }
      trouble.push(...mine);
      return `{${parts.join(",")}}`;
    },
  };
}

function arrayField(schema, at) {
  const list = h("ol", { class: "array-items" });
  const items = [];
  const error = h("p", { class: "field-error" });

  const adder = button("Add item", { kind: "small", name: "plus", on: () => add(undefined).focus() });

  function add(initial) {
    const field = make(schema.items, { name: at.name, label: `${label(schema, at)}, item`, required: true, item: true, root: at.root, depth: at.depth + 1, initial });
    const entry = { field, row: null };
    const remove = button("Remove", {
      kind: "quiet small",
      on: () => {
        items.splice(items.indexOf(entry), 1);
        entry.row.remove();
        adder.focus();
      },
    });
    entry.row = h("li", {}, field.element, remove);
    items.push(entry);
    list.append(entry.row);
    return entry.row.querySelector("input, textarea, select") ?? remove;
  }

  (Array.isArray(at.initial) ? at.initial : []).forEach(add);
  const element = h(
    "fieldset",
    { data: { field: at.name } },
    h("legend", {}, label(schema, at), at.required && !at.item && h("span", { class: "needed" }, " required")),
    schema.description && h("p", { class: "hint" }, schema.description),
    list,
    adder,
    error,
  );
  return {
    element,
    read(trouble) {
      setText(error, "");
      if (items.length === 0 && !at.required) {
        return undefined;
      }
      if (items.length < (schema.minItems ?? 0) || items.length > (schema.maxItems ?? Infinity)) {
        setText(error, `Needs ${schema.minItems ?? 0} to ${schema.maxItems ?? "any number of"} items.`);
        trouble.push(adder);
      }
      // An empty text is a value inside a list.
      return `[${items.map(({ field }) => field.read(trouble) ?? '""').join(",")}]`;
    },
  };
}

/** What no field fits: JSON as it is. */
function rawField(schema, at) {
  const input = h("textarea", { rows: 3, class: "code", spellcheck: "false", placeholder: "JSON" });
  input.value = at.initial === undefined ? "" : JSON.stringify(at.initial, null, 2);
  const frame = framed(schema, at, input, ["as JSON"]);
  return {
    element: frame.element,
    read(trouble) {
      frame.fine();
      const text = input.value.trim();
      if (text === "") {
        if (at.required) {
          frame.fail("Fill this in.", trouble);
        }
        return undefined;
      }
      try {
        JSON.parse(text);
      } catch (malformed) {
        frame.fail(`Is not JSON: ${malformed.message}`, trouble);
      }
      return text;
    },
  };
}

/** Refills an element with a fresh form; gives its `read`. */
export function showForm(element, schema, initial) {
  const form = schemaForm(schema, initial);
  fill(element, form.element);
  return form.read;
}
