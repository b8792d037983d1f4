"""What the client of HTTP rows sends: scripts of ``wrk`` for bodies that were written beforehand, one a line."""

from typing import Final

# Takes the file, the client's name, and ``once``, or ``again`` for who may begin anew at the last line.
BODIES: Final = """
local bodies, at, again = {}, 0, false
function init(args)
  for line in io.lines(args[1]) do bodies[#bodies + 1] = line end
  wrk.headers["Content-Type"] = "text/plain"
  wrk.headers["User-Agent"] = args[2]
  again = args[3] == "again"
end
function request()
  at = again and at % #bodies + 1 or at + 1
  return wrk.format("POST", nil, nil, bodies[at] or "none are left")
end
"""

# Takes the file, whose lines begin with a header's value, how many lines to pass over, the header and what precedes it.
HEADED_BODIES: Final = """
local values, bodies, at, header = {}, {}, 0, ""
function init(args)
  for line in io.lines(args[1]) do
    local value, body = line:match("^(%S+) (.*)$")
    values[#values + 1], bodies[#bodies + 1] = (args[4] or "") .. value, body
  end
  at, header = tonumber(args[2]), args[3]
end
function request()
  at = at % #bodies + 1
  return wrk.format("POST", nil, {["Content-Type"] = "application/json", [header] = values[at]}, bodies[at])
end
"""
