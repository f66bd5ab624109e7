/* Small manners of our pages in the admin. */

// The menu and a wide table are both scrolled: each needs a name of its own.
document.addEventListener("DOMContentLoaded", () => {
  document
    .getElementById("nav-sidebar-apps")
    ?.setAttribute("data-simplebar-aria-label", "Menu");
});

// A secret is copied, and the page says so.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const text = document.getElementById(button.dataset.copy).textContent;
  const said = document.getElementById("copied");
  try {
    await navigator.clipboard.writeText(text);
    said.textContent = "Copied.";
  } catch {
    said.textContent = "The browser did not allow copying: select it and copy by hand.";
  }
});
