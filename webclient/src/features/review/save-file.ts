import type { ExportFile } from '../../core/record/export';

/** Hands a file to the browser, as a download. */
export function saveFile({ name, type, text }: ExportFile): void {
  const url = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The download has its own hold on the content once it has begun, which it has not yet.
  window.setTimeout(() => {
    URL.revokeObjectURL(url);
  }, 10_000);
}
