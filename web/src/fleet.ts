/**
 * The values of an App: what they change everywhere is worked out anew, a moment after the last keystroke; a newer
 * question takes the place of the one under way. The button that saves rests while what is shown does not belong to what
 * is typed.
 */
const PAUSE = 900; // milliseconds without a keystroke: a fleet is more than one environment

export function startFleet(): void {
  const form = document.querySelector<HTMLFormElement>("[data-fleet]");
  if (!form) return;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const stale = (isStale: boolean) => {
    document.getElementById("fleet")?.setAttribute("aria-busy", String(isStale));
    for (const button of document.querySelectorAll<HTMLButtonElement>("[data-save]")) {
      button.disabled = isStale || button.hasAttribute("data-impossible");
    }
  };
  form.addEventListener("input", (event) => {
    const field = event.target as HTMLElement;
    if (!field.matches("[name=values]")) return;
    stale(true);
    clearTimeout(timer);
    timer = setTimeout(() => form.dispatchEvent(new CustomEvent("preview")), PAUSE);
  });
  form.addEventListener("htmx:before:request", (event) => {
    if (event.target === form) stale(true);
  });
  form.addEventListener("htmx:finally:request", (event) => {
    // htmx takes its mark away just after this. One that was aborted by a newer one ends here, too.
    if (event.target === form) setTimeout(() => stale(form.classList.contains("htmx-request")));
  });
}
