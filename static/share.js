// Copying and sharing for browsers that can; without it, the link is there to be selected.
"use strict";

const field = document.querySelector("[data-copy]");
const button = document.querySelector("[data-copy-button]");
const said = document.querySelector("[data-copy-status]");
const more = document.querySelector("[data-share]");

field.addEventListener("focus", () => field.select());

button.hidden = false;
const label = button.textContent;
button.addEventListener("click", async () => {
  field.select();
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(field.value);
  } else if (!document.execCommand("copy")) {
    return; // it is selected: they can copy it by hand
  }
  button.textContent = said.textContent = button.dataset.done;
  setTimeout(() => {
    button.textContent = label;
    said.textContent = "";
  }, 2500);
});

if (navigator.share) {
  more.hidden = false;
  const open = more.querySelector("button");
  open.addEventListener("click", () => {
    navigator.share({ text: open.dataset.text }).catch(() => {}); // they closed it again
  });
}
