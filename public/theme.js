// Runs before the first paint, so that a chosen theme does not flash up as the other one. The page's own code
// (src/ui/frame/theme.ts) writes what is read here. A file of its own: the CSP refuses inline scripts.
try {
  const theme = localStorage.getItem('diskwright.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage is forbidden: as the system has it.
}
