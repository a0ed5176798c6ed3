"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const main = document.querySelector("table.main");
  const rows = [...main.tBodies[0].rows];

  // A cell's value: a size's exact bytes, else the number it starts with, else its words.
  function value(row, column) {
    const text = row.cells[column].textContent.trim();
    const bytes = text.match(/^[\d.]+ MB \(([\d,]+)\)/);
    const number = parseFloat((bytes ? bytes[1] : text).replace(/,/g, "").replace(/−/g, "-"));
    return text === "—" ? null : Number.isNaN(number) ? text.toLowerCase() : number;
  }

  function compare(a, b) {
    if (a === null || b === null) return (a === null) - (b === null);
    if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
    return a < b ? -1 : a > b ? 1 : 0;
  }

  function sort(table, column) {
    const head = table.tHead.rows[0].cells;
    const down = head[column].getAttribute("aria-sort") === "ascending";
    for (const cell of head) cell.removeAttribute("aria-sort");
    head[column].setAttribute("aria-sort", down ? "descending" : "ascending");
    close();
    const body = table.tBodies[0];
    const sorted = [...body.rows].map((row) => [value(row, column), row]);
    // What is missing stays at the end either way.
    sorted.sort(([a], [b]) => (down && a !== null && b !== null ? compare(b, a) : compare(a, b)));
    body.append(...sorted.map(([, row]) => row));
  }

  for (const table of document.querySelectorAll("table[data-sortable]")) {
    [...table.tHead.rows[0].cells].forEach((cell, column) => {
      cell.querySelector("button").addEventListener("click", () => sort(table, column));
    });
  }

  document.getElementById("filter").addEventListener("input", (event) => {
    close();
    const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
  });

  function element(name, text, className) {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  }

  function close() {
    document.querySelectorAll("tr.open").forEach((row) => row.remove());
    rows.forEach((row) => row.querySelector("button").setAttribute("aria-expanded", "false"));
  }

  function settings(about) {
    const table = element("table");
    for (const [name, text, own] of about.settings) {
      const line = table.insertRow();
      line.append(element("td", name, own ? "left own" : "left"), element("td", text, own ? "left own" : "left"));
    }
    return about.settings.length ? table : element("p", "Its settings are not known.");
  }

  // A click on a row's name shows everything it was made with.
  rows.forEach((row, index) => {
    const button = row.querySelector("button");
    button.addEventListener("click", () => {
      const wasOpen = button.getAttribute("aria-expanded") === "true";
      close();
      if (wasOpen) return;
      button.setAttribute("aria-expanded", "true");
      const line = element("tr", undefined, "open");
      const cell = element("td");
      cell.colSpan = row.cells.length;
      cell.append(element("strong", "Configuration of " + data.rows[index].name), settings(data.rows[index]));
      line.append(cell);
      row.after(line);
    });
    row.addEventListener("mouseenter", (event) => show(data.rows[index], event));
    row.addEventListener("mouseleave", () => { popup.style.display = "none"; });
  });

  // The training curve of the row under the pointer.
  const popup = document.getElementById("curve");
  const SVG = "http://www.w3.org/2000/svg";
  function drawn(name, attributes, text) {
    const made = document.createElementNS(SVG, name);
    for (const [key, held] of Object.entries(attributes)) made.setAttribute(key, held);
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function show(about, event) {
    const curve = about.curve;
    if (!curve) return;
    const [width, height, pad] = [320, 160, 24];
    const last = curve.x[curve.x.length - 1];
    // The first twentieth of a curve is a cliff that would flatten the rest.
    const late = [...curve.y].sort((a, b) => a - b);
    const top = late[Math.max(0, Math.ceil(late.length * 0.95) - 1)];
    const low = late[0];
    const x = (v) => pad + ((width - 2 * pad) * v) / (last || 1);
    const y = (v) => height - pad - ((height - 2 * pad) * (Math.min(v, top) - low)) / (top - low || 1);
    const path = curve.x.map((v, i) => (i ? "L" : "M") + x(v).toFixed(1) + " " + y(curve.y[i]).toFixed(1));
    const picture = drawn("svg", { width, height, role: "img" });
    picture.append(
      drawn("path", { d: path.join("") }),
      drawn("text", { x: pad, y: 12 }, "training loss " + top.toFixed(3) + " to " + low.toFixed(3)),
      drawn("text", { x: width - pad, y: height - 6, "text-anchor": "end" }, "step " + last),
    );
    popup.replaceChildren(picture);
    popup.style.display = "block";
    const spot = event.currentTarget.getBoundingClientRect();
    popup.style.left = Math.max(8, Math.min(event.clientX + 16, innerWidth - width - 32)) + "px";
    popup.style.top = Math.max(8, Math.min(spot.bottom + 4, innerHeight - height - 24)) + "px";
  }
})();
