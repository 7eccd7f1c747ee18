/**
 * Similar products, and a search by photo, in any shop's page.
 *
 *   new SimilarImagesWidget({ productId: "42", containerId: "similar", category: "dress", limit: 10 }).init();
 *
 * It starts by itself in `#similar-images-container` of a page that has `<meta name="product-id" content="42">`.
 * Every word of a catalogue enters the page as text, every address only as http(s). It needs no cookie, no inline
 * script or style, and of a content security policy: script-src, style-src, connect-src and img-src of the service.
 */
(() => {
  "use strict";

  const SCRIPT = document.currentScript?.src ?? "";
  const TIMEOUT_MS = 40000;
  const LONGEST_SIDE = 1280; // pixels of the photo that is sent; the service looks at fewer
  const SMALLEST_BOX = 0.05; // of the photo's width and height
  const KEY_STEP = 0.02;
  const CORNERS = ["nw", "ne", "sw", "se"];
  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  const TEXTS = {
    en: {
      title: "Similar pieces",
      loading: "Looking for similar pieces",
      count: (n) => (n === 1 ? "1 similar piece" : `${n} similar pieces`),
      similar: (percent, level) => `${percent}% similar, ${level}`,
      high: "high",
      medium: "medium",
      low: "low",
      now: "now",
      before: "before",
      soldOut: "Sold out",
      noPicture: "No picture",
      far: "Nothing here is very much like it. These come closest.",
      empty: "Nothing similar enough was found.",
      failed: "Similar pieces cannot be shown right now.",
      busy: "Many people are searching. Try again in a moment.",
      picture: "This photo cannot be used. Try another one.",
      retry: "Try again",
      open: "Search by photo",
      close: "Close",
      choose: "Choose a photo",
      drop: "or drop it here",
      kept: "Used for this search only and not kept.",
      photo: "Your photo",
      another: "Another photo",
      search: "Search",
      frame: "Frame around the garment",
      hint: "Drag the frame around one garment. Arrow keys move it, with Shift they resize it.",
      place: (x, y, w, h) => `${x}% from left, ${y}% from top, ${w}% wide, ${h}% high`,
    },
    ko: {
      title: "비슷한 상품",
      loading: "비슷한 상품을 찾고 있습니다",
      count: (n) => `비슷한 상품 ${n}개`,
      similar: (percent, level) => `유사도 ${percent}%, ${level}`,
      high: "높음",
      medium: "보통",
      low: "낮음",
      now: "판매가",
      before: "정가",
      soldOut: "품절",
      noPicture: "사진 없음",
      far: "아주 비슷한 상품은 없습니다. 그나마 가장 가까운 상품들입니다.",
      empty: "충분히 비슷한 상품을 찾지 못했습니다.",
      failed: "지금은 비슷한 상품을 보여 드릴 수 없습니다.",
      busy: "지금 검색이 많습니다. 잠시 후 다시 시도해 주세요.",
      picture: "이 사진은 사용할 수 없습니다. 다른 사진을 골라 주세요.",
      retry: "다시 시도",
      open: "사진으로 찾기",
      close: "닫기",
      choose: "사진 고르기",
      drop: "또는 여기로 끌어다 놓기",
      kept: "이번 검색에만 쓰이고 저장되지 않습니다.",
      photo: "내 사진",
      another: "다른 사진",
      search: "검색",
      frame: "옷을 둘러싼 틀",
      hint: "틀을 끌어 옷 한 벌에 맞춰 주세요. 방향키로 옮기고, Shift와 함께 누르면 크기가 바뀝니다.",
      place: (x, y, w, h) => `왼쪽에서 ${x}%, 위에서 ${y}%, 너비 ${w}%, 높이 ${h}%`,
    },
  };

  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

  /** Return a value as a number, or the fallback where it is none; an empty text is none. */
  function number(value, fallback) {
    const read = value === "" ? NaN : Number(value ?? NaN);
    return Number.isFinite(read) ? read : fallback;
  }

  /** Return a new element. Strings among the children become text, never markup. */
  function el(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value !== null) element.setAttribute(name, value);
    }
    element.append(...children.filter((child) => child !== null));
    return element;
  }

  const hidden = (text) => el("span", { class: "siw-hidden" }, text);

  function button(text, look, act) {
    const element = el("button", { type: "button", class: look }, text);
    element.addEventListener("click", act);
    return element;
  }

  /** Return an address that may stand in a page, or null: `javascript:` and its kind never get there. */
  function webUrl(value, base) {
    try {
      const url = new URL(value, base);
      return value && /^https?:$/.test(url.protocol) ? url.href : null;
    } catch {
      return null;
    }
  }

  /** Return where the service is: beside the script that was loaded from its /static/, else the script's origin. */
  function serviceBase() {
    const inside = SCRIPT.match(/^(.*)\/static\/[^/]*$/);
    return inside ? inside[1] : new URL(SCRIPT || location.href).origin;
  }

  /** What went wrong, as the name of the sentence that says it. */
  class Failure extends Error {}

  /** Return the service's answer. Throws Failure, or the signal's reason when it was called off. */
  async function ask(url, options, signal) {
    signal.throwIfAborted();
    const limit = AbortSignal.timeout(TIMEOUT_MS);
    const stop = new AbortController();
    for (const either of [signal, limit]) either.addEventListener("abort", () => stop.abort(), { once: true });
    try {
      const response = await fetch(url, { ...options, credentials: "omit", signal: stop.signal });
      if (response.ok) return await response.json();
      if (response.status === 404) throw new Failure("empty");
      if ([429, 503].includes(response.status)) throw new Failure("busy");
      throw new Failure(options.method && response.status < 500 ? "picture" : "failed");
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof Failure ? error : new Failure("failed");
    }
  }

  /** A list of products that is on its way, there, empty, or failed with a button to try again. */
  class Shelf {
    constructor(options, texts) {
      this.options = options;
      this.texts = texts;
      this.body = el("div", { class: "siw-body", tabindex: "-1" });
      this.status = el("p", { role: "status", class: "siw-hidden" });
      this.element = el("div", { class: "siw-shelf" }, this.status, this.body);
      this.calls = new AbortController();
    }

    /** Call off what is on its way. */
    stop() {
      this.calls.abort();
      if (this.element.hasAttribute("aria-busy")) this.clear();
    }

    clear() {
      this.element.removeAttribute("aria-busy");
      this.body.replaceChildren();
      this.say("", false);
    }

    /** Show what `request(signal)` answers. */
    async load(request) {
      this.stop();
      const { signal } = (this.calls = new AbortController());
      this.element.setAttribute("aria-busy", "true");
      this.say(this.texts.loading, false);
      this.body.replaceChildren(this.grid(Array.from({ length: this.options.limit }, skeleton), true));
      try {
        const found = (await request(signal)).similar_products;
        if (signal.aborted) return;
        if (!Array.isArray(found)) throw new Failure("failed");
        if (found.length === 0) throw new Failure("empty");
        this.body.replaceChildren(this.grid(found.map((product) => this.card(product)), false));
        // The nearest are always shown; that they are no more than that is said as well.
        const far = found.every((product) => product.band === "inspired");
        this.say(far ? this.texts.far : this.texts.count(found.length), far);
      } catch (error) {
        if (signal.aborted) return;
        const kind = error instanceof Failure ? error.message : "failed";
        const again = () => {
          this.body.focus();
          this.load(request);
        };
        const retry = ["empty", "picture"].includes(kind) ? [] : [button(this.texts.retry, "siw-button", again)];
        this.body.replaceChildren(...retry);
        this.say(this.texts[kind], true);
      }
      this.element.removeAttribute("aria-busy");
    }

    say(text, visibly) {
      this.status.className = visibly ? "siw-message" : "siw-hidden";
      this.status.textContent = text;
    }

    grid(items, decorative) {
      return el("ul", { class: "siw-grid", "aria-hidden": decorative ? "true" : null }, ...items);
    }

    card(product) {
      const { texts, options } = this;
      const own = options.productUrl.replace("{product_id}", encodeURIComponent(product.product_id));
      const href = webUrl(options.productUrl ? own : product.product_url, document.baseURI);
      // Rounded down, so that the number and its colour never contradict each other.
      const percent = Math.floor(clamp(number(product.similarity_score, 0), 0, 1) * 100 + 1e-9);
      const level = percent >= 80 ? "high" : percent >= 60 ? "medium" : "low";
      const spoken = hidden(texts.similar(percent, texts[level]) + ". ");
      const seen = el("span", { "aria-hidden": "true" }, `${percent}%`);
      const inside = [
        el("span", { class: "siw-picture" }, this.picture(product.image_url),
          el("span", { class: `siw-badge siw-${level}` }, spoken, seen),
          product.in_stock === false ? el("span", { class: "siw-gone" }, texts.soldOut) : null),
        el("span", { class: "siw-brand" }, String(product.brand ?? "")),
        el("span", { class: "siw-name" }, String(product.name ?? "")),
        this.price(product),
      ];
      return el("li", {}, el(href ? "a" : "div", { class: "siw-card", href }, ...inside));
    }

    picture(address) {
      const missing = () => el("span", { class: "siw-no-picture" }, this.texts.noPicture);
      const url = webUrl(address, this.options.apiBase + "/");
      if (url === null) return missing();
      const sized = /\/api\/images\/[0-9a-f]{64}$/.test(url); // the service makes smaller ones of its own
      const image = el("img", {
        loading: "lazy",
        decoding: "async",
        alt: "", // the name stands right below
        width: "320",
        height: "400",
        sizes: sized ? "(max-width: 40rem) 46vw, 220px" : null,
        srcset: sized ? `${url}?w=320 320w, ${url}?w=640 640w` : null,
        src: sized ? `${url}?w=320` : url,
      });
      image.addEventListener("error", () => image.replaceWith(missing()), { once: true });
      return image;
    }

    price({ price, final_price: final, discount_rate: rate, currency }) {
      const paid = number(final, number(price, null));
      const line = el("span", { class: "siw-price" });
      if (paid === null) return line;
      const money = formatter(this.options.language, currency || this.options.currency);
      if (!(number(price, 0) > paid)) {
        line.append(el("span", { class: "siw-paid" }, money.format(paid)));
        return line;
      }
      const off = Math.round(number(rate, (1 - paid / price) * 100));
      line.append(
        el("span", { class: "siw-paid siw-sale" }, hidden(`${this.texts.now} `), money.format(paid)), " ",
        el("del", {}, hidden(`${this.texts.before} `), money.format(price)), " ",
        el("span", { class: "siw-off" }, `−${off}%`));
      return line;
    }
  }

  function formatter(language, currency) {
    try {
      return new Intl.NumberFormat(language, { style: "currency", currency, currencyDisplay: "narrowSymbol" });
    } catch {
      return new Intl.NumberFormat(language); // no currency, or one that nobody knows
    }
  }

  function skeleton() {
    const bars = ["picture", "brand", "name", "price"].map((part) => el("span", { class: `siw-${part}` }));
    return el("li", {}, el("span", { class: "siw-card siw-loading" }, ...bars));
  }

  /** A photo with a movable frame. `box` holds x, y, w, h as fractions of the upright photo. */
  class Cropper {
    constructor(texts) {
      this.texts = texts;
      this.canvas = el("canvas", { role: "img", "aria-label": texts.photo });
      this.frame = el("div", { class: "siw-frame", tabindex: "0", role: "application", "aria-label": texts.frame },
        ...CORNERS.map((corner) => el("span", { class: `siw-corner siw-${corner}`, "data-corner": corner })));
      this.status = el("p", { role: "status", class: "siw-hidden" });
      this.element = el("div", { class: "siw-stage" }, this.canvas, this.frame, this.status);
      this.frame.addEventListener("pointerdown", (event) => this.drag(event));
      this.frame.addEventListener("keydown", (event) => this.key(event));
    }

    /** Draw a photo at the size it is sent in; what else its file says about a person stays here. */
    draw(photo) {
      const scale = Math.min(1, LONGEST_SIDE / Math.max(photo.width, photo.height));
      this.canvas.width = Math.max(1, Math.round(photo.width * scale));
      this.canvas.height = Math.max(1, Math.round(photo.height * scale));
      const pen = this.canvas.getContext("2d");
      pen.fillStyle = "#fff"; // under transparent pictures, as the service does
      pen.fillRect(0, 0, this.canvas.width, this.canvas.height);
      pen.drawImage(photo, 0, 0, this.canvas.width, this.canvas.height);
      this.put({ x: 0.1, y: 0.1, w: 0.8, h: 0.8 });
      this.moved = false;
    }

    blob() {
      return new Promise((resolve) => this.canvas.toBlob(resolve, "image/jpeg", 0.92));
    }

    /** Return the box as the service reads it, rounded so that it never leaves the photo. */
    crop() {
      return ["x", "y", "w", "h"].map((side) => Math.floor(this.box[side] * 1e4) / 1e4).join(",");
    }

    put(box) {
      this.box = box;
      const sides = { left: box.x, top: box.y, width: box.w, height: box.h };
      for (const [side, share] of Object.entries(sides)) this.frame.style[side] = `${share * 100}%`;
    }

    /** Move the whole box, or one corner of it, by fractions of the photo. */
    change({ x, y, w, h }, dx, dy, corner) {
      this.moved = true;
      const along = (start, size, by, low, high) => {
        if (!corner) return [clamp(start + by, 0, 1 - size), size];
        if (corner.includes(high)) return [start, clamp(size + by, SMALLEST_BOX, 1 - start)];
        const end = start + size;
        const begin = clamp(start + by, 0, end - SMALLEST_BOX);
        return corner.includes(low) ? [begin, end - begin] : [start, size];
      };
      const [left, width] = along(x, w, dx, "w", "e");
      const [top, height] = along(y, h, dy, "n", "s");
      this.put({ x: left, y: top, w: width, h: height });
    }

    drag(event) {
      if (event.button !== 0) return;
      const { corner } = event.target.dataset;
      const [start, area] = [this.box, this.element.getBoundingClientRect()];
      const follow = (move) => {
        const [dx, dy] = [move.clientX - event.clientX, move.clientY - event.clientY];
        this.change(start, dx / area.width, dy / area.height, corner);
      };
      this.frame.setPointerCapture(event.pointerId);
      this.frame.addEventListener("pointermove", follow);
      const end = () => this.frame.removeEventListener("pointermove", follow);
      for (const last of ["pointerup", "pointercancel"]) this.frame.addEventListener(last, end, { once: true });
    }

    key(event) {
      const arrow = ARROWS[event.key];
      if (!arrow) return;
      event.preventDefault();
      this.change(this.box, arrow[0] * KEY_STEP, arrow[1] * KEY_STEP, event.shiftKey ? "se" : "");
      const { x, y, w, h } = this.box;
      this.status.textContent = this.texts.place(...[x, y, w, h].map((share) => Math.round(share * 100)));
    }
  }

  /** The dialog: choose a photo, put the frame around one garment, see what looks like it. */
  class PhotoSearch {
    constructor(options, texts) {
      this.options = options;
      this.texts = texts;
      this.shelf = new Shelf(options, texts);
      this.cropper = new Cropper(texts);
      this.input = el("input", { type: "file", accept: "image/*", class: "siw-hidden" });
      const choose = el("span", { class: "siw-button siw-strong" }, texts.choose);
      this.drop = el("label", { class: "siw-drop" }, this.input, choose, el("span", { class: "siw-or" }, texts.drop),
        el("span", {}, texts.kept));
      this.find = button(texts.search, "siw-button siw-strong", () => this.search());
      const another = button(texts.another, "siw-button", () => this.input.click());
      this.photo = el("div", { class: "siw-photo" }, this.cropper.element, el("p", { class: "siw-hint" }, texts.hint),
        el("div", { class: "siw-actions" }, this.find, another));
      this.photo.hidden = true;
      const close = button("×", "siw-close", () => this.dialog.close());
      close.setAttribute("aria-label", texts.close);
      const inside = el("div", { class: "siw-dialog-inside" }, el("h2", { class: "siw-title" }, texts.open), close,
        this.drop, this.photo, this.shelf.element);
      this.dialog = el("dialog", { class: "siw-dialog", "aria-label": texts.open }, inside);
      this.listen();
    }

    listen() {
      this.input.addEventListener("change", () => this.take(this.input.files[0]));
      this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.dialog.close());
      this.dialog.addEventListener("close", () => this.shelf.stop());
      this.dialog.addEventListener("dragover", (event) => event.preventDefault());
      this.dialog.addEventListener("drop", (event) => {
        event.preventDefault();
        this.take(event.dataTransfer.files[0]);
      });
    }

    open() {
      this.dialog.showModal();
    }

    async take(file) {
      this.input.value = ""; // the same file can be chosen again
      if (!file) return;
      this.latest = file;
      this.shelf.stop();
      this.shelf.clear();
      const photo = await createImageBitmap(file, { imageOrientation: "from-image" }).catch(() => null);
      if (this.latest !== file) {
        photo?.close(); // another one was chosen while this one was read
        return;
      }
      if (photo === null) {
        this.shelf.say(this.texts.picture, true);
        return;
      }
      this.cropper.draw(photo);
      photo.close();
      this.drop.hidden = true;
      this.photo.hidden = false;
      this.cropper.frame.focus();
      await this.guess(this.cropper.box);
    }

    /** Put the frame around the garment if the service finds one before somebody moves the frame. */
    async guess(box) {
      try {
        const found = await this.post("/api/garment-box", {}, new AbortController().signal);
        if (found.found && !this.cropper.moved && this.cropper.box === box) this.cropper.put(found.box);
      } catch {
        // The frame stays where it is: this was a help, not the search.
      }
    }

    search() {
      const fields = { crop: this.cropper.crop(), limit: this.options.limit };
      return this.shelf.load((signal) => this.post("/api/recommendations/similar-images", fields, signal));
    }

    async post(path, fields, signal) {
      const body = new FormData();
      body.append("file", await this.cropper.blob(), "photo.jpg");
      for (const [name, value] of Object.entries(fields)) body.append(name, value);
      return ask(this.options.apiBase + path, { method: "POST", body }, signal);
    }
  }

  const running = new WeakMap();

  /** See docs/widget.md for the options. */
  class SimilarImagesWidget {
    constructor({
      productId = pageProduct(),
      containerId = "similar-images-container",
      category = "",
      limit = 10,
      minSimilarity = 0.5,
      apiBase = serviceBase(),
      language = "",
      currency = "",
      productUrl = "",
    }) {
      this.options = {
        productId: String(productId),
        containerId,
        category,
        limit: clamp(Math.trunc(number(limit, 10)), 1, 50),
        minSimilarity: clamp(number(minSimilarity, 0.5), 0, 1),
        apiBase: apiBase.replace(/\/+$/, ""),
        language,
        currency,
        productUrl,
      };
    }

    /** Fill the container; what stood in it goes. */
    init() {
      const { options } = this;
      const container = document.getElementById(options.containerId);
      if (container === null) throw new Error(`SimilarImagesWidget: no element has the id "${options.containerId}"`);
      if (options.productId === "") {
        throw new Error("SimilarImagesWidget: name the product as productId or in a meta element");
      }
      const spoken = options.language || container.closest("[lang]")?.lang || navigator.language;
      const language = spoken.toLowerCase().startsWith("ko") ? "ko" : "en";
      const texts = TEXTS[language];
      running.get(container)?.stop();
      const chosen = { ...options, language: spoken };
      const shelf = new Shelf(chosen, texts);
      running.set(container, shelf);
      const search = new PhotoSearch(chosen, texts);
      const head = el("div", { class: "siw-head" }, el("h2", { class: "siw-title" }, texts.title),
        button(texts.open, "siw-button", () => search.open()));
      const inside = [head, shelf.element, search.dialog];
      container.replaceChildren(el("section", { class: "siw", lang: language, "aria-label": texts.title }, ...inside));
      const query = new URLSearchParams({ limit: options.limit, min_similarity: options.minSimilarity });
      if (options.category) query.set("category", options.category);
      const path = `/api/recommendations/similar-images/${encodeURIComponent(options.productId)}/?${query}`;
      shelf.load((signal) => ask(options.apiBase + path, {}, signal));
      return this;
    }
  }

  /** Return the product that the page is about, or an empty text. */
  function pageProduct() {
    return document.querySelector('meta[name="product-id"]')?.content ?? "";
  }

  function start() {
    const container = document.getElementById("similar-images-container");
    const productId = pageProduct();
    if (!container || !productId || running.has(container)) return;
    new SimilarImagesWidget({ ...container.dataset, productId, containerId: container.id }).init();
  }

  globalThis.SimilarImagesWidget = SimilarImagesWidget;
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
