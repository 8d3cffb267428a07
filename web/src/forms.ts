/** A form is sent once: its button works while it is under way, and comes back with the page. */

function release(form: HTMLFormElement): void {
  delete form.dataset["sent"];
  for (const button of form.querySelectorAll(".working")) {
    button.classList.remove("working");
    button.removeAttribute("aria-disabled");
  }
}

export function startForms(): void {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || form.method.toLowerCase() !== "post") return;
    if (form.dataset["sent"]) {
      event.preventDefault();
      return;
    }
    form.dataset["sent"] = "yes";
    const button = event.submitter;
    if (button) {
      button.classList.add("working");
      button.setAttribute("aria-disabled", "true");
    }
  });

  // Coming back by the browser's history shows the page as it was left.
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll<HTMLFormElement>("form[data-sent]")) release(form);
  });

  // A page that came back with errors starts at their summary.
  document.querySelector<HTMLElement>("[data-errors]")?.focus();
}
