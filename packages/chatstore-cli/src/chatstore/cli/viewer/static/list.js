// A list of any length: only the rows in sight are in the document, and only the chunks that were
// in sight are loaded.

import { h } from "./dom.js";

const ROW = 60; // pixels, as in layout.css
const CHUNK = 100;
const MARGIN = 8; // rows above and below
const MAX_CHUNKS = 40;
const MAX_HEIGHT = 15_000_000; // pixels; browsers limit the height of elements

export class VirtualList {
  /**
   * @param {HTMLElement} element the scrolling element
   * @param {{load: Function, draw: Function, choose: Function, changed: Function}} options
   *   `load(offset, limit)` resolves to `{total, rows}`, or null; `draw(row)` returns nodes;
   *   `choose(row)` is called on a click or Enter; `changed(page)` after each load.
   */
  constructor(element, options) {
    this.element = element;
    this.options = options;
    this.spacer = h("div", { class: "spacer" });
    element.append(this.spacer);
    this.nodes = new Map();
    this.reset();
    element.addEventListener("scroll", () => this.draw(), { passive: true });
    element.addEventListener("keydown", (event) => this.onKey(event));
    new ResizeObserver(() => this.draw()).observe(element);
  }

  /** Forget everything and load from the top. */
  reset() {
    this.chunks = new Map();
    this.loading = new Set();
    this.generation = (this.generation ?? 0) + 1;
    this.total = 0;
    this.active = -1;
    this.clear();
    this.element.scrollTop = 0;
    this.request(0);
  }

  /** Load what is in sight again, because the store has changed. */
  reload() {
    this.generation += 1;
    this.loading.clear();
    const [first, last] = this.range();
    const shown = new Set();
    for (let row = first; row < Math.max(last, 1); row += 1) shown.add(Math.floor(row / CHUNK));
    for (const chunk of this.chunks.keys()) if (!shown.has(chunk)) this.chunks.delete(chunk);
    for (const chunk of shown) this.request(chunk);
  }

  range() {
    const first = Math.floor(this.element.scrollTop / ROW) - MARGIN;
    const length = Math.ceil(this.element.clientHeight / ROW) + 2 * MARGIN;
    return [Math.max(0, first), Math.max(0, Math.min(this.limit(), first + length))];
  }

  limit() {
    return Math.min(this.total, Math.floor(MAX_HEIGHT / ROW));
  }

  row(index) {
    return this.chunks.get(Math.floor(index / CHUNK))?.[index % CHUNK];
  }

  async request(chunk) {
    if (this.loading.has(chunk)) return;
    this.loading.add(chunk);
    const generation = this.generation;
    try {
      const page = await this.options.load(chunk * CHUNK, CHUNK);
      if (generation !== this.generation || page === null) return;
      this.chunks.delete(chunk);
      this.chunks.set(chunk, page.rows);
      while (this.chunks.size > MAX_CHUNKS) this.chunks.delete(this.chunks.keys().next().value);
      this.total = page.total;
      this.spacer.style.height = `${this.limit() * ROW}px`;
      this.clear();
      this.draw();
      this.options.changed(page);
    } finally {
      if (generation === this.generation) this.loading.delete(chunk);
    }
  }

  clear() {
    for (const node of this.nodes.values()) node.remove();
    this.nodes.clear();
  }

  draw() {
    const [first, last] = this.range();
    for (const [index, node] of this.nodes) {
      if (index < first || index >= last) {
        node.remove();
        this.nodes.delete(index);
      }
    }
    for (let index = first; index < last; index += 1) {
      const row = this.row(index);
      if (row === undefined) this.request(Math.floor(index / CHUNK));
      else if (!this.nodes.has(index)) this.add(index, row);
    }
    this.mark();
  }

  add(index, row) {
    const node = h("div", {
      class: "row",
      id: `row-${index}`,
      role: "option",
      "aria-posinset": index + 1,
      "aria-setsize": this.total,
      onclick: () => { this.active = index; this.mark(); this.options.choose(row); },
    }, ...this.options.draw(row));
    node.style.top = `${index * ROW}px`;
    this.nodes.set(index, node);
    this.spacer.append(node);
  }

  mark() {
    for (const [index, node] of this.nodes) {
      const row = this.row(index);
      node.classList.toggle("active", index === this.active);
      node.setAttribute("aria-selected", String(row !== undefined && this.options.isOpen(row)));
    }
    if (this.nodes.has(this.active)) this.element.setAttribute("aria-activedescendant", `row-${this.active}`);
    else this.element.removeAttribute("aria-activedescendant");
  }

  move(index) {
    this.active = Math.max(0, Math.min(this.limit() - 1, index));
    const top = this.active * ROW;
    const bottom = top + ROW - this.element.clientHeight;
    if (this.element.scrollTop > top) this.element.scrollTop = top;
    else if (this.element.scrollTop < bottom) this.element.scrollTop = bottom;
    this.draw();
  }

  onKey(event) {
    const rows = Math.max(1, Math.floor(this.element.clientHeight / ROW) - 1);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: rows, PageUp: -rows };
    if (event.key in steps) this.move(this.active + steps[event.key]);
    else if (event.key === "Home") this.move(0);
    else if (event.key === "End") this.move(this.limit() - 1);
    else if (event.key === "Enter" && this.row(this.active)) this.options.choose(this.row(this.active));
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
