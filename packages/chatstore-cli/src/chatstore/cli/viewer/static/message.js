// Nodes of messages: from the JSON of messages.py, of which only known kinds and tags are used.

import { getBlob, getJson } from "./api.js";
import { count, h, number, size, timeElement } from "./dom.js";

const TAGS = new Set([
  "p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "hr", "ul", "ol", "li", "table", "thead",
  "tbody", "tr", "th", "td", "em", "strong", "s", "code", "br", "a",
]);
const PROTOCOLS = new Set(["http:", "https:", "mailto:"]);
const HEADINGS = { h1: "h3", h2: "h4", h3: "h5", h4: "h6", h5: "h6", h6: "h6" };
const LABELS = {
  system: "System", developer: "Developer", user: "User", assistant: "Assistant", chatbot: "Assistant",
  model: "Assistant", tool: "Tool", function: "Function",
};
const PREVIEW = 120; // characters

/** Group messages: a message with calls, and the messages behind it that only hold results. */
export function group(messages) {
  const items = [];
  for (const message of messages) {
    const previous = items.at(-1);
    if (isResult(message) && previous?.message.calls.length) previous.answers.push(message);
    else items.push({ id: message.id, message, answers: [] });
  }
  return items;
}

const isResult = (message) => message.results.length > 0 && !message.parts.length && !message.calls.length;

/** Make the node of an item; `key` is the conversation's, for what is loaded later. */
export function drawItem(item, key) {
  const { message } = item;
  const context = { key, id: message.id };
  const role = Object.hasOwn(LABELS, message.role) ? message.role : "tool";
  const body = h("div", { class: "body" }, ...message.parts.map((part) => drawPart(part, context)));
  const isLong = role === "system" || role === "developer";
  const calls = pair(message.calls, item.answers);
  return h("article", { class: `message ${role}${message.is_summary ? " summary" : ""}`, "data-id": message.id },
    drawHeading(message, role),
    isLong ? fold(preview(message.parts), body, "text") : body,
    ...calls.pairs.map(([call, result]) => drawCall(call, result, context)),
    ...ownResults(message, context),
    ...calls.rest.map((result) => drawResult(result.result, { key, id: result.message.id })),
    ...message.fields.map((part) => drawPart(part, context)),
  );
}

function drawHeading(message, role) {
  return h("header", {},
    h("span", { class: "role" }, message.is_summary ? "Summary" : LABELS[role]),
    message.name ? h("bdi", { class: "name" }, message.name) : null,
    h("span", { class: "pinned" }, "always sent"),
    h("span", { class: "unsent" }, "not sent"),
    message.created_at ? timeElement(message.created_at) : null,
    h("span", { class: "tokens" }, count(message.tokens, "token")),
  );
}

/** Pair calls and results: by id, then in their order. */
function pair(calls, answers) {
  const rest = answers.flatMap((message) => message.results.map((result) => ({ result, message })));
  const take = (index) => (index < 0 ? undefined : rest.splice(index, 1)[0]);
  const byId = calls.map((call) => take(call.id ? rest.findIndex((one) => one.result.id === call.id) : -1));
  const pairs = calls.map((call, index) => [
    call,
    byId[index] ?? take(rest.findIndex((one) => !one.result.id || !call.id)),
  ]);
  return { pairs, rest };
}

const ownResults = (message, context) => message.results.map((result) => drawResult(result, context));

function drawCall(call, result, context) {
  const place = result ? { key: context.key, id: result.message.id } : null;
  return fold(
    [h("bdi", { class: "tool" }, call.name || "tool"), h("span", { class: "preview" }, oneLine(call.arguments.text))],
    h("div", { class: "exchange" },
      h("h4", {}, "Arguments"), drawPart(call.arguments, context),
      h("h4", {}, "Result", result ? h("span", { class: "tokens" }, count(result.message.tokens, "token")) : null),
      ...(result ? result.result.parts.map((part) => drawPart(part, place)) : [h("p", { class: "hint" }, "There is no result yet.")]),
    ),
    "call",
  );
}

function drawResult(result, context) {
  return fold(
    [h("bdi", { class: "tool" }, result.name || "tool"), h("span", { class: "preview" }, `result: ${partsPreview(result.parts)}`)],
    h("div", { class: "exchange" }, ...result.parts.map((part) => drawPart(part, context))),
    "call",
  );
}

function drawPart(part, context) {
  switch (part.kind) {
    case "markdown": return h("div", { class: "markdown", dir: "auto" }, ...part.nodes.map(drawNode));
    case "text": return drawText(part, context);
    case "thinking": return fold([h("span", { class: "kind" }, "Thinking")], drawPart(part.part, context), "aside");
    case "fields": return fold([h("bdi", { class: "kind" }, part.label)], drawPart(part.part, context), "aside");
    case "image": return drawImage(part, context);
    default: return h("p", { class: "file" }, h("bdi", {}, part.label), part.size ? ` · ${size(part.size)}` : "", " · not shown");
  }
}

function drawText(part, context) {
  const text = h("pre", { class: "text", dir: "auto" }, part.text);
  if (!part.length) return text;
  const button = h("button", {
    type: "button",
    class: "link",
    onclick: async () => {
      button.disabled = true;
      const whole = await getJson("message", { key: context.key, id: context.id });
      const article = button.closest("article");
      article.dispatchEvent(new CustomEvent("whole", { bubbles: true, detail: whole }));
    },
  }, `Show all ${number(part.length)} characters`);
  return h("div", {}, text, button);
}

function drawImage(part, context) {
  const image = h("img", { alt: "An image of the message", class: "thumbnail" });
  const button = h("button", { type: "button", class: "image", title: `Image, ${size(part.size)}` }, image);
  const load = async () => {
    const blob = await getBlob("image", { key: context.key, id: context.id, digest: part.digest });
    const url = URL.createObjectURL(blob);
    image.addEventListener("load", () => URL.revokeObjectURL(url), { once: true });
    image.src = url;
    button.addEventListener("click", () =>
      button.dispatchEvent(new CustomEvent("picture", { bubbles: true, detail: blob })));
  };
  load().catch(() => button.replaceWith(h("p", { class: "file" }, "This image cannot be read.")));
  return button;
}

function drawNode(node) {
  if (typeof node === "string") return document.createTextNode(node);
  if (!TAGS.has(node.tag)) return document.createTextNode("");
  const children = node.children.map(drawNode);
  switch (node.tag) {
    case "a": return drawLink(node.href, children);
    case "pre": return h("pre", { class: "code", "data-language": node.language ?? null }, h("code", {}, ...children));
    case "ol": return h("ol", { start: Number.isInteger(node.start) ? node.start : 1 }, ...children);
    case "table": return h("div", { class: "table" }, h("table", {}, ...children));
    default: return h(HEADINGS[node.tag] ?? node.tag, {}, ...children);
  }
}

function drawLink(href, children) {
  let protocol = "";
  try {
    ({ protocol } = new URL(href));
  } catch { /* then it is not a link */ }
  if (!PROTOCOLS.has(protocol)) return h("span", {}, ...children);
  return h("a", { href, rel: "noopener noreferrer nofollow", target: "_blank", title: href }, ...children);
}

function fold(summary, body, kind) {
  return h("details", { class: `fold ${kind}` }, h("summary", {}, ...summary), body);
}

const oneLine = (text) => text.slice(0, 4 * PREVIEW).replace(/\s+/g, " ").slice(0, PREVIEW);
const preview = (parts) => [h("span", { class: "preview", dir: "auto" }, partsPreview(parts) || "empty")];
const partsPreview = (parts) => oneLine(parts.map(plain).join(" "));

function plain(part) {
  if (part.kind === "text") return part.text.slice(0, 4 * PREVIEW);
  if (part.kind === "markdown") return part.nodes.map(plainNode).join(" ");
  return part.kind;
}

const plainNode = (node) =>
  typeof node === "string" ? node : node.children.map(plainNode).join(node.tag === "p" ? "" : " ");
