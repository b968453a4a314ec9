// All heads, the words about one, and that head large: what one keystroke changes is one component, since for
// each of them the browser does as much again as all the drawing takes.

export default function ({ data, parentElement, setTriggerValue }) {
  const find = (name) => parentElement.querySelector(`.pictures > .st-key-${name}`);
  overview({ data: data.overview, parentElement: find("overview"), setTriggerValue });
  const words = find("words");
  if (words.made !== data.words) words.innerHTML = words.made = data.words; // by the server, every token in it escaped
  const large = find("head");
  large.querySelector(".head-map").hidden = !data.head;
  large.querySelector(".links").hidden = !data.links;
  if (data.head) head({ data: data.head, parentElement: large, setTriggerValue });
  if (data.links) links({ data: data.links, parentElement: large, setTriggerValue });
}
