// The transcript: pages of messages in both directions, of which a bounded number is in the
// document. What the user sees does not move when pages are added and removed.

import { getJson } from "./api.js";
import { h } from "./dom.js";
import { drawItem, group } from "./message.js";

const PAGE = 40;
const MAX_MESSAGES = 200; // in the document
const NEAR = 1500; // pixels from an end at which the next page is loaded

export class Transcript {
  /** @param {(error: Error) => void} failed is called when a page cannot be loaded */
  constructor(element, failed) {
    this.element = element;
    this.failed = failed;
    this.column = h("div", { class: "column" });
    element.append(this.column);
    this.nodes = new Map();
    this.window = null;
    this.close();
    this.isAtEnd = false;
    element.addEventListener("scroll", () => this.onScroll(), { passive: true });
    new ResizeObserver(() => { if (this.isAtEnd) element.scrollTop = element.scrollHeight; }).observe(element);
    element.addEventListener("whole", (event) => this.replace(event.detail));
  }

  get isLoading() {
    return this.element.ariaBusy === "true";
  }

  set isLoading(value) {
    this.element.ariaBusy = String(value);
  }

  close() {
    this.generation = (this.generation ?? 0) + 1;
    this.key = null;
    this.messages = [];
    this.hasOlder = this.hasNewer = this.isLoading = false;
    this.window = null;
    this.draw();
  }

  /** Show a part of a conversation: `{oldest: true}`, `{around: id}`, or the newest messages. */
  async open(key, place = {}) {
    if (key !== this.key) this.close();
    this.key = key;
    const generation = (this.generation += 1);
    this.isLoading = true;
    try {
      const page = await getJson("messages", { key, limit: PAGE, ...place });
      if (generation !== this.generation) return;
      this.messages = page.messages;
      this.hasOlder = page.has_older;
      this.hasNewer = page.has_newer;
      this.forget();
      this.draw();
      this.show(place);
    } finally {
      if (generation === this.generation) this.isLoading = false;
    }
    this.onScroll();
  }

  show(place) {
    const target = place.around && this.nodeOf(place.around);
    if (target) this.scrollTo(target);
    else this.element.scrollTop = place.oldest ? 0 : this.element.scrollHeight;
  }

  scrollTo(target) {
    const top = target.getBoundingClientRect().top - this.element.getBoundingClientRect().top;
    this.element.scrollTop += top - 48;
  }

  /** Go to a message, loading it if needed. */
  async goTo(id) {
    const node = this.nodeOf(id);
    if (node) this.scrollTo(node);
    else await this.open(this.key, { around: id });
  }

  /** Highlight a window, `{ids, start, …}`; null: nothing is known. */
  setWindow(window) {
    this.window = window && { ...window, ids: new Set(window.ids) };
    this.keepPlace(() => this.draw());
  }

  nodeOf(id) {
    for (const item of this.items) {
      if (item.id === id || item.answers.some((answer) => answer.id === id)) return this.nodes.get(item.id).node;
    }
    return null;
  }

  onScroll() {
    this.isAtEnd = this.distanceToEnd() < 2;
    if (this.isLoading || !this.messages.length) return;
    if (this.hasOlder && this.element.scrollTop < NEAR) this.load("before");
    else if (this.hasNewer && this.distanceToEnd() < NEAR) this.load("after");
  }

  distanceToEnd() {
    const { scrollTop, scrollHeight, clientHeight } = this.element;
    return scrollHeight - scrollTop - clientHeight;
  }

  async load(direction) {
    this.isLoading = true;
    const generation = this.generation;
    const isOlder = direction === "before";
    const end = isOlder ? this.messages[0] : this.messages.at(-1);
    try {
      const page = await getJson("messages", { key: this.key, limit: PAGE, [direction]: end.id });
      if (generation !== this.generation) return;
      this.keepPlace(() => {
        if (isOlder) this.addOlder(page);
        else this.addNewer(page);
        this.draw();
      });
      this.isLoading = false;
      this.onScroll();
    } catch (error) {
      if (generation !== this.generation) return;
      this.isLoading = false;
      if (isOlder) this.hasOlder = false; // otherwise each scroll would fail again
      else this.hasNewer = false;
      this.failed(error);
    }
  }

  addOlder(page) {
    this.messages = [...page.messages, ...this.messages];
    this.hasOlder = page.has_older;
    while (this.messages.length > MAX_MESSAGES && this.trim(-1)) this.hasNewer = true;
  }

  addNewer(page) {
    this.messages = [...this.messages, ...page.messages];
    this.hasNewer = page.has_newer;
    while (this.messages.length > MAX_MESSAGES && this.trim(0)) this.hasOlder = true;
  }

  /** Remove the first (0) or the last (-1) item, so that calls stay with their results. */
  trim(end) {
    const items = group(this.messages);
    const item = items.at(end);
    const length = 1 + item.answers.length;
    if (items.length < 2) return false;
    this.messages = end === 0 ? this.messages.slice(length) : this.messages.slice(0, -length);
    return true;
  }

  replace(message) {
    this.messages = this.messages.map((one) => (one.id === message.id ? message : one));
    this.nodes.delete(group(this.messages).find((item) =>
      item.id === message.id || item.answers.some((answer) => answer.id === message.id))?.id);
    this.keepPlace(() => this.draw());
  }

  forget() {
    this.nodes.clear();
  }

  /** Change the document, and scroll so that the first visible message does not move. */
  keepPlace(change) {
    const top = this.element.getBoundingClientRect().top;
    const anchor = [...this.nodes.values()].find(({ node }) => node.getBoundingClientRect().bottom > top);
    const before = anchor?.node.getBoundingClientRect().top;
    change();
    if (anchor?.node.isConnected) this.element.scrollTop += anchor.node.getBoundingClientRect().top - before;
  }

  draw() {
    this.items = group(this.messages);
    const nodes = new Map();
    const children = [];
    for (const item of this.items) {
      const signature = [item.id, ...item.answers.map((answer) => answer.id)].join("\n");
      const known = this.nodes.get(item.id);
      const entry = known?.signature === signature ? known : { signature, node: drawItem(item, this.key) };
      nodes.set(item.id, entry);
      this.mark(entry.node, item);
      if (this.window && this.window.start === item.id) children.push(this.divider());
      children.push(entry.node);
    }
    this.nodes = nodes;
    this.place([this.end(this.hasOlder, "Start of the conversation"), ...children, this.end(this.hasNewer, "End of the conversation")]);
  }

  /** Make these the children of the column; nodes that stay are not moved, so details stay open. */
  place(children) {
    const keep = new Set(children);
    for (const child of [...this.column.children]) if (!keep.has(child)) child.remove();
    children.forEach((child, index) => {
      const present = this.column.children[index];
      if (present !== child) this.column.insertBefore(child, present ?? null);
    });
  }

  mark(node, item) {
    const { window } = this;
    const isSent = window !== null && window.ids.has(item.id);
    const isPinned = isSent && ["system", "developer"].includes(item.message.role) && item.id !== window.start;
    node.classList.toggle("sent", isSent);
    node.classList.toggle("skipped", window !== null && !isSent);
    node.classList.toggle("fixed", isPinned && !item.message.is_summary);
  }

  divider() {
    return h("div", { class: "start", role: "separator" }, h("span", {}, "The window starts here"));
  }

  end(hasMore, text) {
    if (!this.messages.length) return h("p", { class: "end" }, this.key && !this.isLoading ? "No messages" : "");
    return h("p", { class: "end" }, hasMore ? "…" : text);
  }
}
