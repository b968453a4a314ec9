// What the model made of the text, with the words marked of which it was unsure.

const LONG = 90; // characters that do not fit on two large lines

function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function part({ text, mark, says }) {
  if (!mark) return text;
  const marked = document.createElement("u");
  marked.textContent = text.trimStart(); // no line below the space before a word
  marked.className = mark;
  marked.title = says;
  return [text.slice(0, text.length - marked.textContent.length), marked];
}

/** Write what is not on screen yet. */
export function output(data, parentElement) {
  const [name, target, note] = parentElement.children;
  const [label, sure] = name.children;
  write(label, data.label);
  write(sure, data.sure);
  sure.title = data.how;
  write(note, data.note);
  const made = JSON.stringify(data.target);
  if (target.made === made) return;
  target.made = made;
  const parts = data.target.flatMap(part).filter(Boolean);
  target.classList.toggle("long", data.target.reduce((length, { text }) => length + text.length, 0) > LONG);
  target.replaceChildren(...(parts.length ? parts : ["\u00a0"]));
}
