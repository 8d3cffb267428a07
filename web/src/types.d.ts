/** The build of htmx that can be imported: it also sets `window.htmx`, which its extensions look for. */
declare module "htmx.org/dist/htmx.esm.js" {
  import htmx from "htmx.org";
  export default htmx;
}
declare module "htmx.org/dist/ext/hx-sse.js";
declare module "*.css";
