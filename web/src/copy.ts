/** Shortened digests and one-time secrets copy in full: a button with `data-copy` puts its text on the clipboard. */
export function startCopying(): void {
  document.addEventListener("click", (event) => {
    const button = (event.target as Element | null)?.closest<HTMLElement>("[data-copy]");
    if (!button) return;
    const shown = button.textContent;
    void navigator.clipboard.writeText(button.dataset["copy"] ?? "").then(() => {
      button.textContent = "copied";
      setTimeout(() => (button.textContent = shown), 1200);
    });
  });
}
