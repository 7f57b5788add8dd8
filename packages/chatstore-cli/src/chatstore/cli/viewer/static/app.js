// The page: the list at the left, the transcript at the right, and the keyboard.

import { getBlob, getJson, postJson, takeToken } from "./api.js";
import { ask, hideProblem, showProblem } from "./dialogs.js";
import { $, count, h, icon, number, shortTime, timeElement } from "./dom.js";
import { VirtualList } from "./list.js";
import { Transcript } from "./transcript.js";

const POLL = 700; // milliseconds, while the server reads the records
const LIMITS = { least: 1, most: 9_999_999 };

const state = { tab: "conversations", text: "", owner: undefined, record: null, about: null };
let list;
let transcript;
let windowRequest = 0;

const attempt = async (call) => {
  try {
    return await call();
  } catch (error) {
    showProblem(error);
    return undefined;
  }
};

// ---------------------------------------------------------------- the list

function load(offset, limit) {
  const owner = state.owner === undefined ? {} : state.owner === null ? { unowned: true } : { owner: state.owner };
  const parameters = { offset, limit, text: state.text, ...(state.tab === "owners" ? {} : owner) };
  return getJson(state.tab, parameters).catch((error) => {
    showProblem(error);
    return null;
  });
}

function drawRow(row) {
  const isOwner = state.tab === "owners";
  const facts = isOwner ? count(row.length, "conversation") : count(row.length, "message");
  return [
    h("div", { class: "first" }, h("bdi", { class: "name", title: row.name }, row.name), h("time", { datetime: row.updated_at }, shortTime(row.updated_at))),
    h("div", { class: "second" }, isOwner || row.owner_name === null ? null : h("bdi", { class: "owner" }, row.owner_name), h("span", {}, facts)),
  ];
}

function choose(row) {
  if (state.tab === "owners") setOwner(row.owner, row.name);
  else attempt(() => open(row.key));
}

function setOwner(owner, name) {
  state.owner = owner;
  $("owner").hidden = owner === undefined;
  $("owner").querySelector("bdi").textContent = name ?? "";
  state.text = $("filter").value = "";
  setTab("conversations");
}

function setTab(tab) {
  state.tab = tab;
  for (const name of ["conversations", "owners"]) $(`tab-${name}`).setAttribute("aria-selected", String(name === tab));
  $("list").setAttribute("aria-label", tab === "owners" ? "Owners" : "Conversations, newest first");
  list.reset();
}

let poll;
function onListChanged(page) {
  const noun = state.tab === "owners" ? "owner" : "conversation";
  $("count").textContent = page.is_reading ? `Reading… ${number(page.total)}` : count(page.total, noun);
  if (page.error) showProblem(new Error(page.error));
  clearTimeout(poll);
  if (page.is_reading) poll = setTimeout(() => list.reload(), POLL);
}

let typing;
function onFilter() {
  clearTimeout(typing);
  typing = setTimeout(() => {
    state.text = $("filter").value.trim();
    list.reset();
  }, 120);
}

// ---------------------------------------------------------------- the transcript

async function open(key, place) {
  hideProblem();
  const record = await getJson("conversation", { key });
  state.record = record;
  document.body.dataset.pane = "transcript";
  $("welcome").hidden = true;
  $("opened").hidden = false;
  drawRecord(record);
  list.mark();
  $("transcript").focus({ preventScroll: true });
  await transcript.open(key, place);
  await readWindow();
}

function drawRecord(record) {
  document.title = `${record.title ?? record.shown_key} · chatstore`;
  $("title").textContent = record.title ?? record.shown_key;
  const facts = [
    record.owner_name === null ? null : h("bdi", { class: "owner" }, record.owner_name),
    record.title === null ? null : h("bdi", { class: "key" }, record.shown_key),
    h("span", {}, count(record.length, "message")),
    h("span", {}, "updated ", timeElement(record.updated_at)),
    record.expires_at === null ? null : h("span", {}, "expires ", timeElement(record.expires_at)),
  ];
  $("facts").replaceChildren(...facts.filter((fact) => fact !== null));
}

function limit() {
  const digits = $("limit").value.replaceAll(/[^0-9]/g, "");
  return Math.max(LIMITS.least, Math.min(LIMITS.most, Number(digits) || 3000));
}

async function readWindow() {
  const value = limit();
  const request = (windowRequest += 1);
  const { key } = state.record;
  localStorage.setItem("limit", String(value));
  $("limit").value = number(value);
  const window = await getJson("window", { key, limit: value, sliding: $("sliding").checked });
  if (request !== windowRequest || state.record?.key !== key) return;
  transcript.setWindow(window);
  const { length } = window.ids;
  $("window-facts").dataset.limit = value;
  const isOver = window.tokens > window.limit;
  $("meter").style.width = `${Math.min(100, (100 * window.tokens) / window.limit)}%`;
  $("meter").classList.toggle("over", isOver);
  $("window-facts").textContent = `${window.is_estimated ? "about " : ""}${count(window.tokens, "token")} in ${count(length, "message")}${isOver ? ": the newest turn is longer" : ""}`;
  $("start-button").hidden = window.start === null;
  $("start-button").onclick = () => attempt(() => transcript.goTo(window.start));
}

async function refresh() {
  hideProblem();
  await getJson("conversations", { limit: 1, refresh: true });
  list.reload();
  if (state.record) await open(state.record.key);
}

async function exportConversation() {
  const format = await ask($("export-dialog"));
  if (!format) return;
  const { suffix } = state.about.formats.find((one) => one.name === format);
  const url = URL.createObjectURL(await getBlob("export", { key: state.record.key, format }));
  const name = state.record.shown_key.replaceAll(/[^A-Za-z0-9._-]+/g, "-").replace(/^[.-]+/, "").slice(0, 80);
  h("a", { href: url, download: `${name || "conversation"}.${suffix}` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

async function deleteConversation() {
  const { record } = state;
  $("delete-name").textContent = record.title ?? record.shown_key;
  $("delete-facts").textContent = `${count(record.length, "message")} will be gone. This cannot be undone.`;
  if ((await ask($("delete-dialog"))) !== "delete") return;
  await postJson("delete", { key: record.key, revision: record.revision });
  closeConversation();
  list.reload();
}

function closeConversation() {
  state.record = null;
  document.title = "chatstore";
  transcript.close();
  $("opened").hidden = true;
  $("welcome").hidden = false;
  showList();
}

function showList() {
  document.body.dataset.pane = "list";
  $("list").focus({ preventScroll: true });
}

// ---------------------------------------------------------------- theme and keyboard

function setTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}

function changeTheme() {
  const isDark = document.documentElement.dataset.theme
    ? document.documentElement.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  const theme = isDark ? "light" : "dark";
  localStorage.setItem("theme", theme);
  setTheme(theme);
}

const KEYS = {
  "/": () => { document.body.dataset.pane = "list"; $("filter").focus(); $("filter").select(); },
  "?": () => ask($("help-dialog")),
  r: () => attempt(refresh),
  w: () => { if (state.record && !$("start-button").hidden) $("start-button").click(); },
  Escape: showList,
  Home: () => { if (state.record) attempt(() => transcript.open(state.record.key, { oldest: true })); },
  End: () => { if (state.record) attempt(() => transcript.open(state.record.key)); },
  ArrowDown: (event) => { if (event.target === document.body) $("list").focus(); },
};

function onKey(event) {
  const isTyping = event.target.closest("input") !== null;
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.target === $("filter") && onFilterKey(event)) return;
  if (isTyping || !Object.hasOwn(KEYS, event.key)) return;
  if (event.key !== "ArrowDown") event.preventDefault();
  KEYS[event.key](event);
}

function onFilterKey(event) {
  if (event.key === "Escape") {
    $("filter").value = "";
    onFilter();
    $("list").focus();
  } else if (event.key === "ArrowDown" || event.key === "Enter") {
    event.preventDefault();
    $("list").focus();
    list.move(0);
  } else return false;
  return true;
}

function listen() {
  $("filter").addEventListener("input", onFilter);
  $("tab-conversations").onclick = () => setTab("conversations");
  $("tab-owners").onclick = () => setTab("owners");
  $("owner").onclick = () => setOwner(undefined);
  $("refresh-button").onclick = () => attempt(refresh);
  $("theme-button").onclick = changeTheme;
  $("help-button").onclick = () => ask($("help-dialog"));
  $("back-button").onclick = showList;
  $("first-button").onclick = () => KEYS.Home();
  $("last-button").onclick = () => KEYS.End();
  $("export-button").onclick = () => attempt(exportConversation);
  $("delete-button").onclick = () => attempt(deleteConversation);
  $("limit").addEventListener("change", () => attempt(readWindow));
  $("sliding").addEventListener("change", () => attempt(readWindow));
  $("problem").querySelector("button").onclick = hideProblem;
  $("transcript").addEventListener("picture", (event) => {
    const url = URL.createObjectURL(event.detail);
    $("image").src = url;
    ask($("image-dialog")).then(() => { $("image").removeAttribute("src"); URL.revokeObjectURL(url); });
  });
  document.addEventListener("keydown", onKey);
  addEventListener("hashchange", () => location.reload()); // another token
}

async function start() {
  takeToken();
  setTheme(localStorage.getItem("theme"));
  $("limit").value = number(Number(localStorage.getItem("limit")) || 3000);
  transcript = new Transcript($("transcript"), showProblem);
  state.about = await getJson("about");
  $("store").textContent = $("store").title = state.about.name;
  $("delete-button").hidden = !state.about.write;
  $("formats").append(...state.about.formats.map((format) =>
    h("button", { type: "button", "data-value": format.name }, icon("download"), format.label)));
  list = new VirtualList($("list"), {
    load, draw: drawRow, choose, changed: onListChanged,
    isOpen: (row) => state.tab === "conversations" && row.key === state.record?.key,
  });
  listen();
  $("list").focus({ preventScroll: true });
}

attempt(start);
