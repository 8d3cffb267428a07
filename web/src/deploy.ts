/**
 * The deploy form: what will change is computed anew, a moment after the last keystroke; a newer question
 * aborts the one under way. `Deploy Now` rests while what is shown does not belong to what is typed.
 */
import { setText } from "./editor";

const PAUSE = 450; // milliseconds without a keystroke

export function startDeploy(): void {
  const form = document.querySelector<HTMLFormElement>("[data-deploy]");
  const region = document.getElementById("preview");
  if (!form || !region) return;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const stale = (isStale: boolean) => {
    document.getElementById("preview")?.setAttribute("aria-busy", String(isStale));
    for (const button of document.querySelectorAll<HTMLButtonElement>("[data-deploy-now]")) {
      button.disabled = isStale || button.hasAttribute("data-impossible");
    }
  };
  const ask = () => form.dispatchEvent(new CustomEvent("preview"));

  form.addEventListener("input", (event) => {
    const field = event.target as HTMLElement;
    if (!field.matches("[name=release], [name=values], [name=force_conflicts], [name=app_values]")) return;
    stale(true);
    clearTimeout(timer);
    timer = setTimeout(ask, field.matches("[name=values]") ? PAUSE : 0);
  });
  const asking = () => form.classList.contains("htmx-request");
  form.addEventListener("htmx:before:request", () => stale(true));
  form.addEventListener("htmx:finally:request", () => {
    // htmx takes its mark away just after this. One that was aborted by a newer one ends here, too;
    // the newer one is then still under way.
    setTimeout(() => stale(asking()));
  });
  // This module comes after the page: the first preview may be under way or done by now.
  stale(asking());

  // The list of versions is filtered where it stands; it is a page at most.
  const search = form.querySelector<HTMLInputElement>("[data-filter-picks]");
  search?.addEventListener("input", () => {
    const wanted = search.value.trim().toLowerCase();
    for (const pick of form.querySelectorAll<HTMLElement>("[data-tag]")) {
      pick.hidden = wanted !== "" && !(pick.dataset["tag"] ?? "").toLowerCase().includes(wanted);
    }
  });
  search?.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault();
  });

  // Other values to start from: those that run, or a failed deployment's.
  for (const button of form.querySelectorAll<HTMLElement>("[data-start-from]")) {
    button.addEventListener("click", (event) => {
      event.preventDefault();
      const source = document.getElementById(button.dataset["startFrom"] ?? "");
      const values = form.querySelector<HTMLTextAreaElement>("[name=values]");
      if (source instanceof HTMLTemplateElement && values) setText(values, source.content.textContent ?? "");
    });
  }
}
