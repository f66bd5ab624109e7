/* The progress of a job refreshes itself, and the page once it is over. */
(() => {
  "use strict";

  const EVERY = 1000; // milliseconds

  async function refresh() {
    const shown = document.querySelector("[data-busy]");
    if (shown?.dataset.busy !== "yes") return;
    try {
      const answer = await fetch(shown.dataset.address, { credentials: "same-origin" });
      if (!answer.ok || answer.redirected) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector("[data-busy]");
      if (fresh?.dataset.busy !== "yes") return location.reload();
      shown.replaceWith(fresh);
    } catch {
      // The network is away for a moment; the next look finds it again.
    }
    setTimeout(refresh, EVERY);
  }

  document.addEventListener("DOMContentLoaded", () => setTimeout(refresh, EVERY));
})();
