// Runs before the first paint; the switch itself is in theme.js.
try {
  const theme = localStorage.getItem("sluice.theme");
  if (theme === "light" || theme === "dark") {
    document.documentElement.dataset.theme = theme;
  }
} catch {
  // Storage may be forbidden; the system's preference then decides.
  document.documentElement.removeAttribute("data-theme");
}
