-- For wrk: sends a fixed number of requests, each with the next certificate of a file, and prints the results as JSON.
--
-- Arguments: the file, with the value of X-SSL-Client-Cert of one client in each line, and the number of requests.

local ffi = require('ffi')
ffi.cdef('int getpid(void); int kill(int, int);')
local SIGINT = 2

-- What nginx forwards of a request by a browser, line by line, in the same order each time: a table of Lua has none.
local LINES = {
  'GET / HTTP/1.1',
  'Host: example.org',
  'X-Request-ID: 7f3a9c52d1e84b06a5c7e9f1b2d3c4e5',
  'X-Forwarded-For: %s',
  'X-Forwarded-Proto: https',
  'X-SSL-Client-Verify: SUCCESS',
  'X-SSL-Client-Cert: %s',
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
  'Accept: */*',
  'Accept-Encoding: gzip, deflate, br',
  '', '',
}

local requests = {}
local sent = 0
local left

function init(arguments)
  local template = table.concat(LINES, '\r\n')
  for value in io.lines(arguments[1]) do
    local client = #requests
    local address = string.format('10.1.%d.%d', math.floor(client / 256), client % 256)  -- each has its own
    requests[client + 1] = string.format(template, address, value)
  end
  left = tonumber(arguments[2])
end

function request()
  sent = sent + 1
  return requests[(sent - 1) % #requests + 1]
end

function response()
  left = left - 1
  if left == 0 then
    wrk.thread:stop()
    -- wrk has a duration and no count. Its main thread sleeps as long, or until it is interrupted.
    ffi.C.kill(ffi.C.getpid(), SIGINT)
  end
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  print(string.format(
    '{"requests": %d, "failed": %d, "seconds": %.6f, "p50": %d, "p90": %d, "p99": %d, "p99.9": %d}',
    summary.requests, failed, summary.duration / 1e6,
    latency:percentile(50), latency:percentile(90), latency:percentile(99), latency:percentile(99.9)
  ))
end
