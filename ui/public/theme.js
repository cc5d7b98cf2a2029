// Before the first paint, so that no page flashes in the wrong theme. A file of its own because the page
// allows no inline scripts.
try {
  document.documentElement.dataset.theme = localStorage.getItem("theme") ?? "system";
} catch {
  // Without storage the system's theme it is.
}
