import { keepTokens, post } from "./api.js";
import { $ } from "./dom.js";

/**
 * Only a page of this site may follow the sign-in. What is looked at is the whole address that is gone to: a path by
 * itself may begin with two slashes, which name another host.
 */
function next() {
  const wanted = new URLSearchParams(location.search).get("next") ?? "/";
  try {
    const { href } = new URL(wanted, location.origin);
    return href.startsWith(`${location.origin}/`) ? href : "/";
  } catch {
    return "/";
  }
}

$("#signin").addEventListener("submit", async (event) => {
  event.preventDefault();
  const error = $("#form-error");
  const button = event.target.querySelector("button");
  error.hidden = true;
  button.disabled = true;
  try {
    keepTokens(await post("auth/token", { email: $("#email").value, password: $("#password").value }));
    location.assign(next());
  } catch (problem) {
    error.textContent = problem.message;
    error.hidden = false;
    for (const id of ["#email", "#password"]) $(id).setAttribute("aria-describedby", "form-error");
    button.disabled = false;
    $("#password").focus();
  }
});
