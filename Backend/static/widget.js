/* The button that copies the code of /widget. */
"use strict";

const copy = document.getElementById("copy");
const code = document.getElementById("snippet");
copy.addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(code.textContent);
    copy.textContent = copy.dataset.done;
  } catch {
    getSelection().selectAllChildren(code); // no clipboard outside https: one key press is left to do
  }
});
