// All heads, the words about one, and that head large: what one keystroke changes is one component, since for
// each of them the browser does as much again as all the drawing takes.

export default function ({ data, parentElement, setTriggerValue }) {
  const find = (name) => parentElement.querySelector(`.pictures > .st-key-${name}`);
  overview({ data: data.overview, parentElement: find("overview"), setTriggerValue });
  find("words").innerHTML = data.words; // made on the server, every token in it escaped
  const large = find("head");
  large.querySelector(".head-map").hidden = !data.head;
  large.querySelector(".links").hidden = !data.links;
  if (data.head) head({ data: data.head, parentElement: large, setTriggerValue });
  if (data.links) links({ data: data.links, parentElement: large, setTriggerValue });
}
