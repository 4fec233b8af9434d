// Before anything is drawn: the theme that was chosen last, or the system's.
(() => {
  let theme = null;
  try { theme = localStorage.getItem("backproof-theme"); } catch { /* a page from disk may have no storage */ }
  if (theme !== "dark" && theme !== "light") theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  document.documentElement.dataset.theme = theme;
})();
