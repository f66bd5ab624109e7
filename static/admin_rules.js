/* A condition is tried while it is written: on a button, and a moment after the last
   key. What it says comes from the server, which judges it as a save would. */
(() => {
  "use strict";

  const PAUSE = 500; // milliseconds after the last key

  document.addEventListener("DOMContentLoaded", () => {
    const editor = document.querySelector(".rf-editor");
    const area = editor && document.getElementById(editor.dataset.area);
    if (!area) return;

    const said = editor.querySelector(".rf-trial");
    const button = editor.querySelector("[data-try]");
    let timer = 0;
    let asked = 0;

    async function tryIt() {
      clearTimeout(timer);
      const mine = ++asked;
      const form = new FormData(area.form);
      form.set("campaign", editor.dataset.campaign);
      const answer = await fetch(editor.dataset.address, { method: "POST", body: form });
      const page = answer.ok ? await answer.text() : "";
      if (mine === asked) said.innerHTML = page || "It could not be tried just now.";
    }

    function soon() {
      clearTimeout(timer);
      timer = setTimeout(tryIt, PAUSE);
    }

    button.hidden = false;
    button.addEventListener("click", tryIt);
    area.addEventListener("input", soon);

    editor.addEventListener("click", (event) => {
      const field = event.target.closest("[data-insert]");
      if (!field) return;
      area.setRangeText(field.dataset.insert, area.selectionStart, area.selectionEnd, "end");
      area.focus();
      soon();
    });
  });
})();
