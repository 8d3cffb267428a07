/** What live pages need besides htmx's event streams: the tab's title, and a quiet word when the connection is lost. */

function showTitle(): void {
  const title = document.querySelector<HTMLElement>("[data-title]")?.dataset["title"];
  if (title && document.title !== title) document.title = title;
}

export function startLive(): void {
  const note = document.getElementById("connection");
  let timer: ReturnType<typeof setTimeout> | undefined;
  const connected = () => {
    clearTimeout(timer);
    timer = undefined;
    if (note) note.hidden = true;
  };
  const lost = () => {
    // A server that restarts is back within a second or two: only a longer gap is worth a word.
    timer ??= setTimeout(() => {
      if (note) note.hidden = false;
    }, 2000);
  };
  document.addEventListener("htmx:sse:after:connection", connected);
  document.addEventListener("htmx:sse:error", lost);
  document.addEventListener("htmx:after:swap", showTitle);
  window.addEventListener("offline", lost);
}
