/** `Ctrl K`: find by name. The dialogue shows what the page `/find` would; arrows choose, Enter goes there. */

export function startFind(): void {
  const dialog = document.querySelector<HTMLDialogElement>("dialog#find");
  const input = dialog?.querySelector<HTMLInputElement>("input");
  if (!dialog || !input) return;

  const open = () => {
    if (dialog.open) return;
    dialog.showModal();
    input.select();
    input.dispatchEvent(new Event("open-find", { bubbles: true }));
  };
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      open();
    }
  });
  for (const link of document.querySelectorAll<HTMLElement>("[data-find]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      open();
    });
  }
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });

  const links = () => [...dialog.querySelectorAll<HTMLAnchorElement>(".found a")];
  const choose = (index: number) => {
    const all = links();
    for (const [at, link] of all.entries()) {
      link.classList.toggle("on", at === index);
      link.setAttribute("aria-selected", String(at === index));
    }
    const chosen = all[index];
    if (chosen) {
      input.setAttribute("aria-activedescendant", chosen.id);
      chosen.scrollIntoView({ block: "nearest" });
    } else {
      input.removeAttribute("aria-activedescendant");
    }
  };
  const chosen = () => links().findIndex((link) => link.classList.contains("on"));

  dialog.addEventListener("htmx:after:swap", () => choose(0));
  input.addEventListener("keydown", (event) => {
    const count = links().length;
    if (event.key === "ArrowDown" && count > 0) choose((chosen() + 1) % count);
    else if (event.key === "ArrowUp" && count > 0) choose((chosen() - 1 + count) % count);
    else if (event.key === "Enter") links()[Math.max(0, chosen())]?.click();
    else return;
    event.preventDefault();
  });
}
