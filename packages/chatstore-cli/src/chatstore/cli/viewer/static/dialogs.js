// Questions in dialogs, and what went wrong.

import { $ } from "./dom.js";

/** Show a dialog; resolve to the value of the chosen button, "" if it was dismissed. */
export function ask(dialog) {
  return new Promise((resolve) => {
    const choose = (event) => {
      const button = event.target.closest("button[data-value]");
      if (button) dialog.close(button.dataset.value);
      else if (event.target === dialog) dialog.close(""); // a click beside it
    };
    dialog.returnValue = "";
    dialog.addEventListener("click", choose);
    dialog.addEventListener("close", () => {
      dialog.removeEventListener("click", choose);
      resolve(dialog.returnValue);
    }, { once: true });
    dialog.showModal();
  });
}

export function showProblem(error) {
  if (error.name === "AbortError") return;
  const box = $("problem");
  const text = error.message;
  box.querySelector("span").textContent = text.charAt(0).toUpperCase() + text.slice(1);
  box.hidden = false;
}

export const hideProblem = () => { $("problem").hidden = true; };
