/** Entry of every page. Pages work without it; it adds live updates, the find dialogue and comfort. */
import "htmx.org/dist/htmx.esm.js";
import "htmx.org/dist/ext/hx-sse.js";
import { startCopying } from "./copy";
import { startFiles } from "./files";
import { startFind } from "./find";
import { startForms } from "./forms";
import { startLive } from "./live";
import { startMenus } from "./menus";
import { startTimes } from "./times";

startTimes();
startForms();
startFiles();
startFind();
startMenus();
startCopying();
startLive();

// What only some pages need comes after the first paint.
if (document.querySelector("[data-log]")) {
  // The stream may be faster than the module: what it brings until then is kept.
  const early: Event[] = [];
  const keep = (event: Event) => early.push(event);
  document.addEventListener("log", keep);
  void import("./log-view").then((log) => {
    document.removeEventListener("log", keep);
    log.startLog(early);
  });
}
// Whoever listens to what is typed comes before the editor: what is typed in between would be missed.
const listening: Promise<void>[] = [];
if (document.querySelector("[data-deploy]")) {
  listening.push(import("./deploy").then((deploy) => deploy.startDeploy()));
}
if (document.querySelector("[data-fleet]")) {
  listening.push(import("./fleet").then((fleet) => fleet.startFleet()));
}
if (document.querySelector("[data-editor]")) {
  void Promise.all([import("./editor"), ...listening]).then(([editor]) => editor.startEditors());
}
