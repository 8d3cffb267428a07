/**
 * The YAML editor: CodeMirror over a textarea that stays in the form, so that the form works the same
 * with and without it. Problems the server found (`[data-problem-line]` in the page) stand at their line.
 */
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap, type CompletionContext } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, foldGutter, foldKeymap, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, lintGutter, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState, type Extension } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, highlightSpecialChars, keymap, lineNumbers, placeholder } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const editors = new Map<HTMLTextAreaElement, EditorView>();

export function startEditors(): void {
  for (const box of document.querySelectorAll<HTMLElement>("[data-editor]")) {
    const textarea = box.querySelector("textarea");
    if (textarea && !editors.has(textarea)) editors.set(textarea, open(box, textarea));
  }
  showProblems();
  document.addEventListener("htmx:after:swap", showProblems);
}

/** Replaces the text of an editor, for a form that offers other starting values. */
export function setText(textarea: HTMLTextAreaElement, text: string): void {
  const view = editors.get(textarea);
  if (view) view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
  else {
    textarea.value = text;
    textarea.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

function open(box: HTMLElement, textarea: HTMLTextAreaElement): EditorView {
  const label = textarea.getAttribute("aria-label") ?? document.querySelector(`label[for="${textarea.id}"]`)?.textContent ?? "YAML";
  const view = new EditorView({
    state: EditorState.create({ doc: textarea.value, extensions: extensions(textarea, label) }),
  });
  textarea.hidden = true;
  textarea.tabIndex = -1;
  box.append(view.dom);
  // A click on the label and an error summary's link reach the editor.
  textarea.addEventListener("focus", () => view.focus());
  for (const element of document.querySelectorAll<HTMLElement>(`label[for="${textarea.id}"], a[href="#${textarea.id}"]`)) {
    element.addEventListener("click", (event) => {
      event.preventDefault();
      view.focus();
    });
  }
  return view;
}

function extensions(textarea: HTMLTextAreaElement, label: string): Extension[] {
  const nonce = document.querySelector<HTMLMetaElement>("meta[name=csp-nonce]")?.content ?? "";
  return [
    EditorView.cspNonce.of(nonce),
    lineNumbers(),
    foldGutter({ openText: "▾", closedText: "▸" }),
    lintGutter(),
    history(),
    drawSelection(),
    highlightSpecialChars(),
    indentOnInput(),
    indentUnit.of("  "),
    bracketMatching(),
    closeBrackets(),
    highlightActiveLine(),
    highlightSelectionMatches(),
    autocompletion({ override: [completeKeys(textarea)], icons: false }),
    yaml(),
    syntaxHighlighting(highlight),
    theme,
    placeholder(textarea.placeholder),
    // Tab is not bound: it leaves the editor, as everywhere in a form.
    keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...foldKeymap, ...completionKeymap]),
    EditorView.contentAttributes.of({
      "aria-label": label,
      "aria-describedby": textarea.getAttribute("aria-describedby") ?? "",
      spellcheck: "false",
      tabindex: "0",
    }),
    EditorView.updateListener.of((update) => {
      if (!update.docChanged) return;
      textarea.value = update.state.doc.toString();
      textarea.dispatchEvent(new Event("input", { bubbles: true }));
    }),
  ];
}

/**
 * Offers the keys that the chart's own values have at this place. The page carries them as
 * `data-keys`: paths joined by dots, one per line.
 */
function completeKeys(textarea: HTMLTextAreaElement) {
  return (context: CompletionContext) => {
    const paths = (document.getElementById(textarea.dataset["keys"] ?? "")?.textContent ?? "").split("\n").filter(Boolean);
    if (paths.length === 0) return null;
    const line = context.state.doc.lineAt(context.pos);
    const typed = /^(\s*)([\w.-]*)$/.exec(line.text.slice(0, context.pos - line.from));
    if (!typed || (!context.explicit && !typed[2])) return null;
    const parent = parentPath(context, line.number, (typed[1] ?? "").length);
    const prefix = parent ? `${parent}.` : "";
    const keys = new Set<string>();
    for (const path of paths) {
      if (path.startsWith(prefix)) keys.add(path.slice(prefix.length).split(".")[0] ?? "");
    }
    keys.delete("");
    if (keys.size === 0) return null;
    return {
      from: context.pos - (typed[2] ?? "").length,
      options: [...keys].map((key) => ({ label: key, apply: `${key}: ` })),
      validFor: /^[\w.-]*$/,
    };
  };
}

/** The path of the mapping that a line at this indentation belongs to, read upwards from it. */
function parentPath(context: CompletionContext, lineNumber: number, indentation: number): string {
  const path: string[] = [];
  let below = indentation;
  for (let number = lineNumber - 1; number > 0 && below > 0; number--) {
    const match = /^(\s*)([\w.-]+):\s*(#.*)?$/.exec(context.state.doc.line(number).text);
    if (match && (match[1] ?? "").length < below) {
      below = (match[1] ?? "").length;
      path.unshift(match[2] ?? "");
    }
  }
  return path.join(".");
}

function showProblems(): void {
  for (const [textarea, view] of editors) {
    const problems = document.querySelectorAll<HTMLElement>(`[data-problem-for="${textarea.name}"][data-problem-line]`);
    const diagnostics: Diagnostic[] = [];
    for (const problem of problems) {
      const wanted = Number(problem.dataset["problemLine"]);
      const line = view.state.doc.line(Math.min(Math.max(1, wanted), view.state.doc.lines));
      const from = Math.min(line.to, line.from + Math.max(0, Number(problem.dataset["problemColumn"] ?? 1) - 1));
      diagnostics.push({ from, to: Math.max(from, line.to), severity: "error", message: problem.textContent?.trim() ?? "" });
    }
    view.dispatch(setDiagnostics(view.state, diagnostics));
    view.contentDOM.setAttribute("aria-invalid", String(diagnostics.length > 0));
  }
}

const highlight = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--key)" },
  { tag: [tags.string, tags.special(tags.string), tags.content], color: "var(--string)" },
  { tag: [tags.comment, tags.lineComment], color: "var(--faint)" },
  { tag: [tags.keyword, tags.typeName, tags.labelName], color: "var(--accent)" },
  { tag: tags.invalid, color: "var(--bad)" },
]);

const theme = EditorView.theme({
  "&": { fontSize: "12.5px", color: "var(--ink)", backgroundColor: "transparent" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.65", minHeight: "190px", maxHeight: "60vh" },
  ".cm-content": { padding: "10px 0", caretColor: "var(--ink)" },
  ".cm-line": { padding: "0 16px 0 6px" },
  ".cm-gutters": { backgroundColor: "transparent", color: "var(--faint)", border: "none" },
  ".cm-lineNumbers .cm-gutterElement": { minWidth: "34px", padding: "0 4px 0 8px" },
  ".cm-foldGutter .cm-gutterElement": { width: "14px", cursor: "pointer" },
  ".cm-gutter-lint": { width: "14px" },
  ".cm-gutter-lint .cm-gutterElement": { padding: "3px 0 0 3px" },
  ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--accent) 6%, transparent)" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "color-mix(in srgb, var(--accent) 26%, transparent) !important" },
  ".cm-placeholder": { color: "var(--faint)" },
  ".cm-tooltip": { backgroundColor: "var(--surface)", border: "1px solid var(--line-strong)", borderRadius: "7px", overflow: "hidden" },
  ".cm-tooltip-autocomplete ul li": { padding: "3px 10px !important" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--accent-soft)", color: "var(--accent)" },
  ".cm-diagnostic": { padding: "6px 10px", borderLeftColor: "var(--bad)", fontFamily: "var(--sans)" },
  ".cm-panels": { backgroundColor: "var(--sunken)", color: "var(--ink)", borderColor: "var(--line)" },
  ".cm-panel input, .cm-panel button": { font: "inherit" },
});
