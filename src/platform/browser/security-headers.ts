/**
 * The response headers that keep the page to its own origin, in one place: the preview server sends
 * them with every file, `public/_headers` repeats them for static hosts (a test compares the two).
 *
 * They must come with scripts too: a policy in a meta element does not reach workers.
 */
const policy: Readonly<Record<string, string>> = {
  'default-src': "'none'",
  'script-src': "'self'",
  'style-src': "'self'",
  'img-src': "'self' data: blob:",
  'connect-src': "'self'",
  'manifest-src': "'self'",
  'worker-src': "'self'",
  // The hidden frame through which a streamed download starts.
  'frame-src': "'self' blob:",
  'frame-ancestors': "'self'",
  'form-action': "'none'",
  'base-uri': "'none'",
};

export const securityHeaders: Readonly<Record<string, string>> = {
  'Content-Security-Policy': Object.entries(policy)
    .map(([directive, sources]) => `${directive} ${sources}`)
    .join('; '),
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

/** The text of `public/_headers`. */
export function headersFile(): string {
  const lines = Object.entries(securityHeaders).map(([name, value]) => `  ${name}: ${value}`);
  return ['/*', ...lines, ''].join('\n');
}
