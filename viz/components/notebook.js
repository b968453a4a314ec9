// All maps of a trace on a page of its own, drawn by the scripts of the page Explore. Every choice is made here: in a
// notebook, or a file, there is no server to ask.

import { level } from "./colours.js";
import { frame, isDark, watchGround } from "./ground.js";
import { head } from "./head.js";
import { links } from "./links.js";
import { said } from "./links_weights.js";
import { overview } from "./overview.js";
import { inflated, twelveBits } from "./packed.js";
import { edges, thumbnails } from "./thumbnails.js";

const SCRIPTS = { head, links };

/** A map as one begins to look at it: at its first head, and no other beside it. */
function opened(map) {
  const [layer, head, row] = map.first;
  return { map, layer, head, row, together: [], overlaid: [], planes: null, small: null };
}

/** The weights of a head, `[row, column]`. */
function weightsOf({ planes, map }, layer, head) {
  const [layers, heads, rows, columns] = map.shape;
  const size = rows * columns;
  const begin = (layer * heads + head) * size;
  return twelveBits(planes, layers * heads * size, begin, begin + size);
}

/** All heads at a glance. */
function drawAll(page, look, theme) {
  const { map } = look;
  const [layers, heads, rows, columns] = map.shape;
  look.small ??= thumbnails((layer, head) => weightsOf(look, layer, head), map.shape);
  const data = {
    layers,
    numbers: map.numbers,
    heads,
    group: map.sharing,
    means: true,
    shape: [edges(rows).length - 1, edges(columns).length - 1],
    weights: Uint8Array.from(
      look.small.flatMap((panel) => Array.from(panel)),
      (weight) => level(weight, page.mode),
    ),
    chosen: [look.layer, look.head],
    scale: theme.scale,
    accent: theme.accent,
  };
  overview({ data, parentElement: page.all, setTriggerValue: page.choose });
}

/** One head large, or several of its layer over each other; and in words. */
function drawOne(page, look, theme) {
  const { map, layer, row } = look;
  const view = map.views[page.view];
  const fixed = view.data;
  const heads = fixed.layout === "text" ? [look.head] : [look.head, ...look.overlaid].toSorted((a, b) => a - b);
  const each = view.script === "links" ? heads : [look.head];
  const where = `${map.name}, layer ${map.numbers[layer]}, head ${look.head + 1}.`;
  const data = {
    ...fixed,
    weights: joined(each.map((number) => weightsOf(look, layer, number))),
    heads: each,
    chosen: look.head,
    pinned: row,
    together: look.together,
    mode: page.mode,
    scale: theme.scale,
    accent: theme.accent,
    ink: theme.ink,
    colours: theme.colours.slice(0, map.shape[1]),
    description: where,
  };
  const selected = row === null ? "" : ` ${rowSaid(look, data)}.`;
  page.where.textContent = where;
  page.words.textContent = ` On this text it ${map.words[layer * map.shape[1] + look.head]}.${selected}`;
  for (const place of page.places) place.hidden = place.dataset.script !== view.script;
  const parentElement = page.places.find((place) => !place.hidden);
  SCRIPTS[view.script]({ data, parentElement, setTriggerValue: page.choose });
}

/** Weights of several heads, one after the other. */
function joined(several) {
  const whole = new Float32Array(several.length * several[0].length);
  several.forEach((one, i) => whole.set(one, i * one.length));
  return whole;
}

/** Where the marked row looks, or several on average. */
function rowSaid(look, drawn) {
  const weights = weightsOf(look, look.layer, look.head);
  const queries = look.together.length ? look.together : [look.row];
  return said({ data: { ...drawn, heads: [look.head] }, weights }, { queries });
}

async function draw(page) {
  const look = page.looks[page.shown];
  const dark = isDark();
  const theme = page.themes[dark ? "dark" : "light"];
  colour(theme, dark);
  press(page.kinds, page.shown);
  press(page.views, page.view);
  look.planes ??= await inflated(look.map.weights);
  if (look !== page.looks[page.shown]) return; // another one was chosen meanwhile, and is drawn
  drawAll(page, look, theme);
  drawOne(page, look, theme);
}

function colour(theme, dark) {
  const { style } = document.documentElement;
  style.setProperty("--st-text-color", theme.text);
  style.setProperty("--st-background-color", theme.ground);
  style.setProperty("--st-primary-color", theme.accent);
  style.setProperty("color-scheme", dark ? "dark" : "light");
}

/** What is chosen in a picture. */
function choose(page, name, value) {
  const look = page.looks[page.shown];
  if (name === "chosen") Object.assign(look, value, { overlaid: [] });
  else if (name === "pinned") Object.assign(look, { row: value.row, together: value.together ?? [] });
  else look.overlaid = value.heads.filter((head) => head !== look.head);
  draw(page);
}

/** A button for each name; with one alone there is nothing to choose. */
function buttons(place, names, chosen) {
  place.hidden = names.length < 2;
  place.replaceChildren(
    ...names.map((name, i) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = name;
      button.onclick = () => chosen(i);
      return button;
    }),
  );
}

function press(place, chosen) {
  [...place.children].forEach((button, i) => button.setAttribute("aria-pressed", i === chosen));
}

/** A frame is as high as the page in it. */
function fit() {
  const around = frame();
  const { body } = document;
  const resize = () =>
    (around.style.height = `${Math.ceil(body.getBoundingClientRect().height) + 2 * body.offsetTop}px`);
  if (around) new ResizeObserver(resize).observe(body);
}

/** The page; what is in it is found below `parentElement`, its colours are those of the document. */
export function notebook({ data, parentElement }) {
  const find = (selector) => parentElement.querySelector(`.notebook ${selector}`);
  const page = {
    all: find(".all"),
    kinds: find(".kinds"),
    views: find(".views"),
    where: document.createElement("strong"),
    words: document.createElement("span"),
    places: [...parentElement.querySelectorAll(".notebook [data-script]")],
    looks: data.maps.map(opened),
    shown: data.shown,
    view: 0,
    mode: data.mode,
    themes: data.themes,
  };
  page.choose = (name, value) => choose(page, name, value);
  find(".text").textContent = data.text;
  find(".words").replaceChildren(page.where, page.words);
  const set = (name) => (value) => {
    page[name] = value;
    draw(page);
  };
  const [{ views }] = data.maps;
  buttons(
    page.kinds,
    data.maps.map(({ name }) => name),
    set("shown"),
  );
  buttons(
    page.views,
    views.map((view) => view.name),
    set("view"),
  );
  const scales = find("select");
  scales.value = data.mode;
  scales.onchange = () => set("mode")(scales.value);
  watchGround(() => draw(page));
  fit();
  draw(page);
}
