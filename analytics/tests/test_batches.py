"""The page's own module that tells batches: what failed is told again before what came meanwhile."""

import json
import subprocess

import pytest

from analytics.tests.test_assignment import _SCRIPTS

# A page whose first request fails while more happens on it, and whose clock does not wait.
_SCRIPT = """
const kept = new Map();
globalThis.localStorage = {
  getItem: (name) => kept.get(name) ?? null,
  setItem: (name, text) => kept.set(name, text),
  removeItem: (name) => kept.delete(name),
};
globalThis.document = { addEventListener() {}, visibilityState: "visible" };
globalThis.addEventListener = () => {};
globalThis.setTimeout = () => 0;
const bodies = [];
let answers = [500, 202, 202];
globalThis.fetch = async (url, { body }) => {
  bodies.push(JSON.parse(body));
  if (bodies.length === 1) batches.add("goal", { name: "goal" });
  return { status: answers.shift() };
};
const { Batches } = await import("./batches.js");
const batches = new Batches({
  url: "/track", kept: "untold", body: (items) => JSON.stringify(items.map(({ name }) => name)), atOnce: 2,
  everyMs: 5000, worthMs: 60000,
});
batches.add("view", { name: "view" });
batches.add("other", { name: "other" });
await new Promise((done) => setImmediate(done));
await batches.flush();
await batches.flush();
process.stdout.write(JSON.stringify(bodies));
"""


@pytest.mark.node
def test_what_failed_goes_first_the_next_time() -> None:
    """REQ AN-01, AN-08: a view whose request failed is told before the goal that was reached meanwhile."""
    told = subprocess.run(
        ["node", "--input-type=module", "-e", _SCRIPT],
        capture_output=True,
        text=True,
        check=True,
        cwd=_SCRIPTS,
    )
    assert json.loads(told.stdout) == [["view", "other"], ["view", "other"], ["goal"]]
