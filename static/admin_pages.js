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

// All that can be folded in one part of a page is unfolded at once, and back.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-unfold]");
  if (!button) return;
  const open = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", String(open));
  for (const each of document.getElementById(button.dataset.unfold).querySelectorAll("details")) {
    each.open = open;
  }
});
