/** Offers bytes that the browser already has as a download. */

/** The browser reads from the URL after the click; nothing tells when it has finished. */
const KEPT_MS = 10 * 60 * 1000;

export function offerDownload(file: Blob, name: string): void {
  const url = URL.createObjectURL(file);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.hidden = true;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), KEPT_MS);
}
