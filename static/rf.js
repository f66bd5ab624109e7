/* Referral Factory: remembers which link brought a visitor, and tells your forms.
   <script src=".../static/rf.js" data-days="30" defer></script>; see docs/links.md */
(function (w, d, l) {
  "use strict";
  var set = (d.currentScript || {}).dataset || {};
  var names = ["ref", "rf_click"];

  function read(query) {
    var found = {};
    var given = new URLSearchParams(query);
    names.forEach(function (name) {
      var value = given.get(name) || "";
      found[name] = /^[\w.-]{1,80}$/.test(value) ? value : "";
    });
    return found;
  }

  function kept() {
    try {
      var cookie = /(?:^|; )rf=([^;]*)/.exec(d.cookie);
      return read(cookie ? decodeURIComponent(cookie[1]) : "");
    } catch (blocked) {
      return read("");
    }
  }

  // The first link wins; a ref that no click of ours came with gives way to one.
  function first(before) {
    return before.rf_click || (before.ref && !brought.rf_click) ? before : brought;
  }

  function keep() {
    if (first(kept()) !== brought || !(brought.ref || brought.rf_click)) return;
    try {
      d.cookie = "rf=" + encodeURIComponent(new URLSearchParams(brought)) +
        ";path=/;samesite=lax;max-age=" + (+set.days || 30) * 86400 +
        (set.domain ? ";domain=" + set.domain : "") +
        (l.protocol === "https:" ? ";secure" : "");
    } catch (blocked) {}
  }

  function fill() {
    names.forEach(function (name) {
      d.querySelectorAll('input[type=hidden][name="' + name + '"]').forEach(
        function (input) { input.value = input.value || rf[name]; }
      );
    });
  }

  var brought = read(l.search);
  var won = first(kept());
  var rf = { ref: won.ref, rf_click: won.rf_click, keep: keep, fill: fill };
  w.referralFactory = rf;
  if (set.consent !== "wait") keep();
  d.addEventListener("DOMContentLoaded", fill);
  d.addEventListener("submit", fill, true); // also of forms that came later
  fill();
})(window, document, location);
