/* The preview of an e-mail follows what is typed. The frame has no rights: no scripts,
   no forms, no origin. */
(() => {
  "use strict";

  const PAUSE = 300; // milliseconds after the last key

  document.addEventListener("DOMContentLoaded", () => {
    const frame = document.getElementById("email-preview");
    const fields = ["subject", "body"].map((name) => document.getElementById(`id_${name}`));
    if (!frame || !fields.every(Boolean)) return;

    let timer = 0;
    let asked = 0;

    async function show() {
      const mine = ++asked;
      const form = new FormData(fields[0].form);
      const answer = await fetch(frame.dataset.address, { method: "POST", body: form });
      const page = await answer.text();
      if (answer.ok && mine === asked) frame.srcdoc = page;
    }

    // After a save that was refused, the form holds what is not kept.
    if (fields[0].form.querySelector("[aria-invalid]")) show();

    for (const field of fields) {
      field.addEventListener("input", () => {
        clearTimeout(timer);
        timer = setTimeout(show, PAUSE);
      });
    }
  });
})();
