/* Keys for the review queue. Nothing is decided by one key alone: `a` and `r` go to the
   button or the form, or ask on a page of their own. */
(() => {
  "use strict";

  const byId = (id) => document.getElementById(id);
  const follow = (id) => byId(id)?.click();

  // --- The list: a marked row, moved by j and k -------------------------------------
  let marked = -1;
  const rows = () => [...document.querySelectorAll("#result_list tr.data-row")];

  function mark(step) {
    const all = rows();
    if (!all.length) return;
    all[marked]?.classList.remove("rf-current");
    marked = Math.min(Math.max(marked + step, 0), all.length - 1);
    all[marked].classList.add("rf-current");
    all[marked].scrollIntoView({ block: "nearest" });
    all[marked].querySelector("a")?.focus({ preventScroll: true });
  }

  const box = () => rows()[marked]?.querySelector("input.action-select");

  function ask(verb) {
    const picker = document.querySelector('select[name="action"]');
    if (!document.querySelector("input.action-select:checked")) box()?.click();
    if (!picker || !document.querySelector("input.action-select:checked")) return;
    picker.value = verb;
    byId("changelist-form").requestSubmit();
  }

  const inList = {
    j: () => mark(1),
    k: () => mark(-1),
    o: () => rows()[marked]?.querySelector("a")?.click(),
    x: () => box()?.click(),
    a: () => ask("approve"),
    r: () => ask("reject"),
  };

  // --- One reward --------------------------------------------------------------------
  const onReward = {
    j: () => follow("queue-next"),
    k: () => follow("queue-previous"),
    u: () => follow("queue-back"),
    a: () => byId("queue-approve")?.focus(),
    r: () => {
      const form = byId("queue-reject");
      if (!form) return;
      form.open = true;
      form.querySelector("select")?.focus();
    },
  };

  function typing(target) {
    return target.closest("input:not([type=checkbox]), textarea, select, dialog[open]");
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (event.key === "?") {
      byId("queue-keys")?.showModal();
      return;
    }
    const keys = byId("result_list") ? inList : onReward;
    if (!Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key]();
  });
})();
