import { classHighlighter, highlightCode } from "@lezer/highlight";
import { parser } from "@lezer/python";

const highlightLimit = 50_000; // characters; beyond that colours cost more than they tell

// source returns a cell's code, coloured where it is Python.
export function source(code: string, language: string): HTMLElement {
  const pre = document.createElement("pre");
  pre.className = "source";
  pre.tabIndex = 0;
  if (language !== "python" || code.length > highlightLimit) {
    pre.textContent = code;
    return pre;
  }
  highlightCode(
    code,
    parser.parse(code),
    classHighlighter,
    (text, classes) => {
      if (!classes) {
        pre.append(text);
        return;
      }
      const span = document.createElement("span");
      span.className = classes;
      span.textContent = text;
      pre.append(span);
    },
    () => pre.append("\n"),
  );
  return pre;
}
