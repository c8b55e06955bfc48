-- wrk asks for the URLs listed in the file $URLS, in turn, and writes how many pages it got to the file $PAGES.
local requests = {}
local turn = 0

function init()
  for url in io.lines(os.getenv("URLS")) do
    requests[#requests + 1] = wrk.format("GET", url:match("^http://[^/]+(.*)"), { Accept = "application/json" })
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

function done(summary)
  for what, count in pairs(summary.errors) do
    if count > 0 then
      print(count .. " errors: " .. what)
      os.exit(1)
    end
  end
  local file = assert(io.open(os.getenv("PAGES"), "w"))
  file:write(string.format("%d", summary.requests))
  file:close()
end
