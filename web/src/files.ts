/** A file chosen beside a text field is put into it: as it is where it is text, else in base64. */

function base64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text).replace(/.{76}/g, "$&\n");
}

async function contents(file: File, isText: boolean): Promise<string> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const text = new TextDecoder().decode(bytes);
  return isText || text.includes("-----BEGIN PGP") ? text : base64(bytes);
}

export function startFiles(): void {
  for (const input of document.querySelectorAll<HTMLInputElement>("input[data-file-for]")) {
    const field = document.getElementById(input.dataset["fileFor"] ?? "");
    if (!(field instanceof HTMLTextAreaElement)) continue;
    input.closest("[hidden]")?.removeAttribute("hidden");
    input.addEventListener("change", () => {
      const file = input.files?.[0];
      if (file) void contents(file, input.dataset["fileAs"] === "text").then((text) => (field.value = text));
    });
  }
}
